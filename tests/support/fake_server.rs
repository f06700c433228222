//! An HTTP/1.1 server on loopback that returns responses chosen by a test, well-formed or not.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// The server. It runs until the process ends; its threads sleep on sockets.
pub(crate) struct FakeServer {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// A received request.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// `GET /path?query`.
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The number of its connection, from 0.
    pub(crate) connection: usize,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        self.headers
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| &**value)
            .collect()
    }

    /// Returns a query parameter, without decoding it.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let (_, query) = self.line.split_once('?')?;
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }
}

/// How the body of a response is framed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Framing {
    Length,
    Chunked,
    /// Announces the whole length, but sends only this many bytes.
    CutAfter(usize),
    /// The same with chunked encoding.
    ChunkedCutAfter(usize),
    /// Closes the connection without a response.
    Silence,
    /// Sends one byte of the body at a time, with this pause.
    Trickle(Duration),
}

#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(Cow<'static, str>, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) framing: Framing,
    pub(crate) delay: Duration,
}

impl Reply {
    pub(crate) fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("Content-Type".into(), "application/json".to_owned())];
        Self { status, headers, body: body.into(), framing: Framing::Length, delay: Duration::ZERO }
    }

    /// Returns an error Status as the API server writes it.
    pub(crate) fn status(code: u16, reason: &str, message: &str) -> Self {
        let body = serde_json::json!({"kind": "Status", "apiVersion": "v1", "status": "Failure",
            "reason": reason, "message": message, "code": code});
        Self::json(code, body.to_string())
    }

    pub(crate) fn html(status: u16) -> Self {
        let body = "<!DOCTYPE html><html><title>Log in</title></html>";
        let headers = vec![("Content-Type".into(), "text/html".to_owned())];
        Self { headers, ..Self::json(status, body) }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(crate) fn framed(self, framing: Framing) -> Self {
        Self { framing, ..self }
    }

    pub(crate) fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }
}

impl FakeServer {
    /// Starts a server that answers the n-th request, counted from 0, with the result of the function.
    pub(crate) fn start(answer: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&seen);
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                let (seen, answer) = (Arc::clone(&shared), Arc::clone(&answer));
                // Some tests close the connection on purpose.
                thread::spawn(move || serve(stream?, connection, &seen, &*answer));
            }
        });
        Self { address, seen }
    }

    /// Starts a server that always returns the same response.
    pub(crate) fn always(reply: Reply) -> Self {
        Self::start(move |_, _| reply.clone())
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(
    mut stream: TcpStream,
    connection: usize,
    seen: &Mutex<Vec<Seen>>,
    answer: &dyn Fn(usize, &Seen) -> Reply,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(request) = read_request(&mut reader, connection)? {
        let number = {
            let mut seen = seen.lock().unwrap();
            seen.push(request.clone());
            seen.len() - 1
        };
        let reply = answer(number, &request);
        thread::sleep(reply.delay);
        if !write_reply(&mut stream, &reply)? {
            return Ok(());
        }
    }
    Ok(())
}

fn read_request(reader: &mut BufReader<TcpStream>, connection: usize) -> std::io::Result<Option<Seen>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        headers.push((name.to_owned(), value.to_owned()));
    }
    let mut seen = Seen { line, headers, body: Vec::new(), connection };
    let length = seen.header("content-length").first().and_then(|length| length.parse().ok()).unwrap_or(0);
    seen.body.resize(length, 0);
    reader.read_exact(&mut seen.body)?;
    Ok(Some(seen))
}

/// Writes a response; returns whether the connection stays open.
fn write_reply(stream: &mut TcpStream, reply: &Reply) -> std::io::Result<bool> {
    if matches!(reply.framing, Framing::Silence) {
        return Ok(false);
    }
    // In one write: a packet for each line would take most of the time.
    let mut head = format!("HTTP/1.1 {} Whatever\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    match reply.framing {
        Framing::Length | Framing::CutAfter(_) | Framing::Trickle(_) => {
            head.push_str(&format!("Content-Length: {}\r\n\r\n", reply.body.len()));
        }
        Framing::Chunked | Framing::ChunkedCutAfter(_) => head.push_str("Transfer-Encoding: chunked\r\n\r\n"),
        Framing::Silence => {}
    }
    stream.write_all(head.as_bytes())?;
    match reply.framing {
        Framing::Length => stream.write_all(&reply.body)?,
        Framing::CutAfter(bytes) => stream.write_all(&reply.body[..bytes])?,
        Framing::Chunked => {
            write_chunks(stream, &reply.body)?;
            stream.write_all(b"0\r\n\r\n")?;
        }
        Framing::ChunkedCutAfter(bytes) => write_chunks(stream, &reply.body[..bytes])?,
        Framing::Trickle(pause) => {
            for byte in &reply.body {
                thread::sleep(pause);
                stream.write_all(std::slice::from_ref(byte))?;
            }
        }
        Framing::Silence => {}
    }
    stream.flush()?;
    Ok(matches!(reply.framing, Framing::Length | Framing::Chunked))
}

fn write_chunks(stream: &mut TcpStream, body: &[u8]) -> std::io::Result<()> {
    for chunk in body.chunks(10_000) {
        write!(stream, "{:x}\r\n", chunk.len())?;
        stream.write_all(chunk)?;
        stream.write_all(b"\r\n")?;
    }
    Ok(())
}
