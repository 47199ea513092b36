//! Loopback connections that a fault can cut: a listener whose streams obey the handler.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// The handler's hand on a connection.
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    /// Bytes that may still be written; negative means no limit.
    left: Arc<AtomicI64>,
}

impl Cut {
    fn new() -> Cut {
        Cut {
            left: Arc::new(AtomicI64::new(-1)),
        }
    }

    /// Lets `bytes` more pass and then resets the connection; zero resets it before any answer.
    pub(crate) fn after(&self, bytes: usize) {
        self.left
            .store(i64::try_from(bytes).unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

/// A TCP listener whose accepted streams can be cut.
pub(crate) struct CuttingListener(pub(crate) TcpListener);

impl Listener for CuttingListener {
    type Io = CuttingStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (CuttingStream, SocketAddr) {
        let (stream, addr) = Listener::accept(&mut self.0).await;
        // Answers are small and many: do not wait to fill a segment.
        let _ = stream.set_nodelay(true);
        (
            CuttingStream {
                stream,
                cut: Cut::new(),
            },
            addr,
        )
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, CuttingListener>> for Cut {
    fn connect_info(stream: IncomingStream<'_, CuttingListener>) -> Cut {
        stream.io().cut.clone()
    }
}

/// A stream that stops writing where its [`Cut`] says.
pub(crate) struct CuttingStream {
    stream: TcpStream,
    cut: Cut,
}

impl CuttingStream {
    fn reset(&self) -> io::Error {
        // An abortive close: the peer sees a reset, not an orderly end.
        let _ = self.stream.set_zero_linger();
        io::Error::from(io::ErrorKind::ConnectionReset)
    }
}

impl AsyncRead for CuttingStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for CuttingStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let left = self.cut.left.load(Ordering::SeqCst);
        if left < 0 {
            return Pin::new(&mut self.stream).poll_write(cx, buf);
        }
        if left == 0 {
            return Poll::Ready(Err(self.reset()));
        }
        let most = usize::try_from(left).unwrap_or(buf.len()).min(buf.len());
        let part = buf.get(..most).unwrap_or(buf);
        match Pin::new(&mut self.stream).poll_write(cx, part) {
            Poll::Ready(Ok(n)) => {
                self.cut
                    .left
                    .fetch_sub(i64::try_from(n).unwrap_or(left), Ordering::SeqCst);
                Poll::Ready(Ok(n))
            }
            other => other,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
