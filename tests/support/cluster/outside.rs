//! The HTTPS servers outside of the mesh: real TLS on loopback, with the recorded pages.

use super::book::Book;
use super::certificates::Identity;
use super::http1;
use super::options::Handshake;
use pilotage::error::{Error, Kind, Result};
use rustls::pki_types::CertificateDer;
use rustls::server::ServerConfig;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Where a recorded server can be reached.
#[derive(Debug, Clone)]
pub struct Server {
    /// The recorded host.
    pub host: String,
    /// The recorded port.
    pub port: u16,
    /// The address it has here.
    pub address: SocketAddr,
}

/// How one server answers.
pub struct Manner {
    handshake: Handshake,
    tls: Option<TlsAcceptor>,
}

impl Manner {
    /// Greet with this identity. Without one the server resets every connection, as it did when it was recorded.
    ///
    /// # Errors
    /// When the identity's key does not fit its chain.
    pub fn new(handshake: Handshake, identity: Option<&Identity>) -> Result<Self> {
        let Some(identity) = identity else { return Ok(Self { handshake: Handshake::Reset, tls: None }) };
        let mut chain = identity.chain.clone();
        match handshake {
            Handshake::LeafOnly => chain.truncate(1),
            Handshake::GarbageAfterLeaf => {
                chain.truncate(1);
                chain.push(CertificateDer::from(b"this is no certificate".to_vec()));
            }
            _ => {}
        }
        Ok(Self { handshake, tls: Some(acceptor(chain, identity)?) })
    }

    /// Serve every connection that comes.
    pub async fn serve(self, listener: TcpListener, server: Server, book: Arc<Book>) {
        let this = Arc::new(self);
        while let Ok((stream, _)) = listener.accept().await {
            let (this, server, book) = (Arc::clone(&this), server.clone(), Arc::clone(&book));
            tokio::spawn(async move { this.connection(stream, &server, &book).await });
        }
    }

    async fn connection(&self, mut stream: TcpStream, server: &Server, book: &Book) {
        let reply = |request: &http1::Request| book.https(&server.host, server.port, request);
        match (self.handshake, &self.tls) {
            (Handshake::Silent, _) => {
                // Whatever comes is read, and nothing is said, until the client gives up.
                let mut buffer = [0; 1024];
                while let Ok(1..) = stream.read(&mut buffer).await {}
            }
            (Handshake::PlainHttp, _) => plain(stream, reply).await,
            (Handshake::Reset, _) | (_, None) => {
                let mut hello = [0; 1];
                let _ = stream.read(&mut hello).await;
                let _ = stream.set_zero_linger();
            }
            (_, Some(tls)) => {
                if let Ok(stream) = tls.accept(stream).await {
                    http1::serve(stream, reply).await;
                }
            }
        }
    }
}

/// What greets with this chain, on the identity's key.
fn acceptor(chain: Vec<CertificateDer<'static>>, identity: &Identity) -> Result<TlsAcceptor> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, identity.key.clone_key()))
        .map_err(|error| Error::new(Kind::BadInput, "the chain cannot be served").caused_by(&error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// A listener for an HTTP server that speaks TLS. Handshakes go on side by side; one that fails concerns nobody else.
pub struct TlsListener {
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl TlsListener {
    /// Greet everybody who comes with this identity. Call it inside of a runtime.
    ///
    /// # Errors
    /// When the identity's key does not fit its chain, or the listener is closed.
    pub fn new(listener: TcpListener, identity: &Identity) -> Result<Self> {
        let acceptor = acceptor(identity.chain.clone(), identity)?;
        let closed = |error| Error::new(Kind::Unreachable, "the listener is closed").caused_by(&error);
        let address = listener.local_addr().map_err(|error: std::io::Error| closed(error))?;
        let (done, ready) = mpsc::channel(16);
        tokio::spawn(async move {
            while let Ok((stream, from)) = listener.accept().await {
                let (acceptor, done) = (acceptor.clone(), done.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = done.send((stream, from)).await;
                    }
                });
            }
        });
        Ok(Self { ready, address })
    }
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// What a web server says to a TLS greeting on a port without TLS.
async fn plain(mut stream: TcpStream, reply: impl FnMut(&http1::Request) -> http1::Reply) {
    let mut first = [0; 1];
    if matches!(stream.peek(&mut first).await, Ok(1)) && first[0] == 0x16 {
        let text = "Client sent an HTTPS request to an HTTP server.\n";
        let answer = format!("HTTP/1.1 400 Bad Request\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}", text.len());
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
        return;
    }
    http1::serve(stream, reply).await;
}
