//! Connections, in the clear or in TLS, that a fault can cut: after some bytes of a body, or at once
//! with a reset.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

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

    /// The address that the connection comes from.
    pub(crate) fn source(&self) -> std::net::IpAddr {
        self.address.ip()
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

/// Connections that have been accepted and wait to be served.
const ACCEPTED: usize = 256;

/// A listener whose connections can be cut; with a key it speaks TLS. Connections are accepted and
/// shake hands in tasks of their own, so that a slow client holds nobody up.
pub(crate) struct Door {
    address: SocketAddr,
    accepted: mpsc::Receiver<(Wire, Peer)>,
    task: JoinHandle<()>,
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Door {
    /// Listens on this listener.
    ///
    /// # Errors
    /// When the listener does not know its address.
    pub(crate) fn new(listener: TcpListener, tls: Option<TlsAcceptor>) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, accepted) = mpsc::channel(ACCEPTED);
        let task = tokio::spawn(accept(listener, tls, sender));
        Ok(Self {
            address,
            accepted,
            task,
        })
    }
}

async fn accept(
    mut listener: TcpListener,
    tls: Option<TlsAcceptor>,
    sender: mpsc::Sender<(Wire, Peer)>,
) {
    loop {
        let (stream, address) = Listener::accept(&mut listener).await;
        // Without it an answer of several writes waits for the client's acknowledgement.
        let _ = stream.set_nodelay(true);
        let peer = Peer::new(address);
        let Some(tls) = tls.clone() else {
            let stream = Stream::Plain(stream);
            let wire = Wire {
                stream,
                peer: peer.clone(),
            };
            if sender.send((wire, peer)).await.is_err() {
                return;
            }
            continue;
        };
        let sender = sender.clone();
        tokio::spawn(async move {
            match tls.accept(stream).await {
                Ok(stream) => {
                    let stream = Stream::Tls(Box::new(stream));
                    let wire = Wire {
                        stream,
                        peer: peer.clone(),
                    };
                    // The portal has stopped meanwhile: nobody is there to serve it.
                    let _ = sender.send((wire, peer)).await;
                }
                Err(error) => tracing::debug!(%error, "a handshake failed"),
            }
        });
    }
}

impl Listener for Door {
    type Io = Wire;
    type Addr = Peer;

    async fn accept(&mut self) -> (Wire, Peer) {
        match self.accepted.recv().await {
            Some(accepted) => accepted,
            // The accepting task is gone; so is the portal.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Peer> {
        Ok(Peer::new(self.address))
    }
}

impl Connected<IncomingStream<'_, Door>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        tracing::trace!(peer = %stream.remote_addr().address, "connection");
        stream.remote_addr().clone()
    }
}

/// Bytes in the clear or in TLS.
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }
}

/// One connection.
pub(crate) struct Wire {
    stream: Stream,
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
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
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
                let _ = self.stream.tcp().set_zero_linger();
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
        let written = self.stream.poll_write(context, bytes);
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
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(context),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
