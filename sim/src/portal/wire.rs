//! Connections that a fault can cut: after some bytes of a body, or at once with a reset.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// What is to happen to a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Fate {
    /// Nothing.
    #[default]
    Whole,
    /// The next answer ends after its head and this many bytes of its body.
    Cut(usize),
    /// The connection is dead.
    Dead,
    /// The connection is to be reset without a word.
    Reset,
}

/// The handle by which a request's handler decides over its connection.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    address: SocketAddr,
    fate: Arc<Mutex<Fate>>,
}

impl Peer {
    fn new(address: SocketAddr) -> Self {
        Self {
            address,
            fate: Arc::default(),
        }
    }

    fn set(&self, fate: Fate) {
        *self.fate.lock().unwrap_or_else(PoisonError::into_inner) = fate;
    }

    fn fate(&self) -> Fate {
        *self.fate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the connection after this many bytes of the answer's body.
    pub(crate) fn cut(&self, bytes: usize) {
        self.set(Fate::Cut(bytes));
    }

    /// Resets the connection instead of answering.
    pub(crate) fn reset(&self) {
        self.set(Fate::Reset);
    }
}

/// A TCP listener whose connections can be cut.
pub(crate) struct Door {
    listener: TcpListener,
}

impl Door {
    /// Listens on this listener.
    pub(crate) fn new(listener: TcpListener) -> Self {
        Self { listener }
    }
}

impl Listener for Door {
    type Io = Wire;
    type Addr = Peer;

    async fn accept(&mut self) -> (Wire, Peer) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // Without it an answer of several writes waits for the client's acknowledgement.
        let _ = stream.set_nodelay(true);
        let peer = Peer::new(address);
        (
            Wire {
                stream,
                peer: peer.clone(),
            },
            peer,
        )
    }

    fn local_addr(&self) -> io::Result<Peer> {
        self.listener.local_addr().map(Peer::new)
    }
}

impl Connected<IncomingStream<'_, Door>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        tracing::trace!(peer = %stream.remote_addr().address, "connection");
        stream.remote_addr().clone()
    }
}

/// One connection.
pub(crate) struct Wire {
    stream: TcpStream,
    peer: Peer,
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "cut by a queued fault")
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let (bytes, next) = match self.peer.fate() {
            Fate::Whole => (bytes, Fate::Whole),
            Fate::Dead => return Poll::Ready(Err(gone())),
            Fate::Reset => {
                let _ = self.stream.set_zero_linger();
                self.peer.set(Fate::Dead);
                return Poll::Ready(Err(gone()));
            }
            Fate::Cut(left) => {
                // The head does not count; it stands in the first write.
                let head = bytes.windows(4).position(|four| four == b"\r\n\r\n");
                let head = head.map_or(0, |at| at + 4);
                let allowed = (head + left).min(bytes.len());
                if allowed == 0 {
                    return Poll::Ready(Err(gone()));
                }
                let body = allowed - head.min(allowed);
                let left = left - body.min(left);
                let next = if left == 0 {
                    Fate::Dead
                } else {
                    Fate::Cut(left)
                };
                (&bytes[..allowed], next)
            }
        };
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(count)) = written
            && next != Fate::Whole
        {
            // A short write would blur the count: the rest is given up.
            self.peer.set(if count < bytes.len() {
                Fate::Dead
            } else {
                next
            });
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.peer.fate() == Fate::Dead {
            return Poll::Ready(Err(gone()));
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
