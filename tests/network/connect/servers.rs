//! Servers of this machine that behave in one way each. They run until the process ends.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::certificates::Leaf;

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Calls a function for each connection. Returns the port.
fn serve(answer: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind((LOCAL, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            thread::spawn(move || answer(stream));
        }
    });
    port
}

/// Reads the head of a request.
fn head(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    while !read.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(length) => read.extend_from_slice(&buffer[..length]),
        }
    }
    String::from_utf8_lossy(&read).into_owned()
}

/// Answers each request with a text. Returns the port and the requests.
pub(super) fn answers(text: &'static str) -> (u16, Receiver<String>) {
    let (sender, receiver) = channel();
    let port = serve(move |mut stream| {
        let _ = stream.set_read_timeout(Some(Duration::from_millis(300)));
        let request = head(&mut stream);
        let _ = sender.send(request);
        let _ = stream.write_all(text.as_bytes());
    });
    (port, receiver)
}

/// Answers two requests well, and fails the third, again and again.
pub(super) fn every_third_fails() -> u16 {
    let listener = TcpListener::bind((LOCAL, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for (index, mut stream) in listener.incoming().flatten().enumerate() {
            head(&mut stream);
            let status = if index % 3 == 2 { "503 Service Unavailable" } else { "200 OK" };
            let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        }
    });
    port
}

/// Closes each connection after its first bytes.
pub(super) fn closes() -> u16 {
    serve(|mut stream| {
        let _ = stream.read(&mut [0; 1024]);
    })
}

/// Says nothing.
pub(super) fn silent() -> u16 {
    serve(|_stream| thread::sleep(Duration::from_mins(1)))
}

/// Sends a beginning, and then the same letter until the client has enough.
pub(super) fn sends_without_end(first: &'static str) -> u16 {
    serve(move |mut stream| {
        let _ = stream.write_all(first.as_bytes());
        while stream.write_all(&[b'a'; 8192]).is_ok() {}
    })
}

/// Returns a port whose queue of connections is full, so that the kernel drops further ones. The connections keep it full.
pub(super) fn black_hole() -> (u16, (TcpListener, Vec<TcpStream>)) {
    let listener = TcpListener::bind((LOCAL, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    // The standard library asks for a queue of 128, or as many as the system allows.
    let mut full = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
        full.push(stream);
        assert!(full.len() < 10_000, "the queue has no end");
    }
    (address.port(), (listener, full))
}

/// Answers each datagram with `pong: ` and its text.
pub(super) fn udp_echo() -> (u16, thread::JoinHandle<()>) {
    let socket = UdpSocket::bind((LOCAL, 0)).unwrap();
    let port = socket.local_addr().unwrap().port();
    let thread = thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let _ = socket.send_to(&[b"pong: ", &buffer[..length]].concat(), from);
        }
    });
    (port, thread)
}

/// Negotiates TLS and then says nothing. Returns the port.
pub(super) fn serves_tls(leaf: &Leaf) -> u16 {
    let chain = vec![CertificateDer::from(leaf.certificate.clone())];
    let key = PrivateKeyDer::try_from(leaf.key.clone()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let listener = TcpListener::bind(SocketAddr::new(LOCAL, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let acceptor = TlsAcceptor::from(Arc::new(config));
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let _ = acceptor.accept(stream).await;
            }
        });
    });
    port
}
