//! A name server on loopback, over UDP and TCP, that answers as a test decides: correctly or not.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;

use hickory_proto::op::{Edns, Message, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, NS, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType};

/// The server. It runs until the process ends; its threads sleep on sockets.
pub(crate) struct NameServer {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// A received question.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The name in lower case, without the final dot.
    pub(crate) name: String,
    pub(crate) kind: RecordType,
    pub(crate) over_tcp: bool,
    pub(crate) message: Message,
}

/// What the server does about a question.
pub(crate) enum Reaction {
    Answer(Message),
    Bytes(Vec<u8>),
    /// Sends nothing, and closes a connection.
    Silence,
    /// Sends this, and keeps the connection open without the rest.
    Hang(Vec<u8>),
}

impl From<Message> for Reaction {
    fn from(message: Message) -> Self {
        Self::Answer(message)
    }
}

impl NameServer {
    /// Starts a server on a free port of 127.0.0.1.
    pub(crate) fn start(react: impl Fn(&Asked) -> Reaction + Send + Sync + 'static) -> Self {
        Self::start_at_each(&[Ipv4Addr::LOCALHOST.into()], move |_, asked| react(asked))
    }

    /// Starts a server on each of the addresses, all on the same free port. `react` gets the address that was asked;
    /// `address` is the first one.
    pub(crate) fn start_at_each(
        addresses: &[IpAddr],
        react: impl Fn(IpAddr, &Asked) -> Reaction + Send + Sync + 'static,
    ) -> Self {
        // The port must be free for both protocols and on all addresses.
        let sockets = (0..50).find_map(|_| bind(addresses)).expect("a port that is free on all addresses");
        let address = sockets[0].0.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let react = Arc::new(react);
        for (udp, tcp) in sockets {
            let own = udp.local_addr().unwrap().ip();
            let (seen, decide) = (Arc::clone(&asked), Arc::clone(&react));
            thread::spawn(move || serve_udp(&udp, &seen, &|asked| decide(own, asked)));
            let (seen, decide) = (Arc::clone(&asked), Arc::clone(&react));
            thread::spawn(move || {
                for stream in tcp.incoming().flatten() {
                    let _ = serve_tcp(stream, &seen, &|asked| decide(own, asked));
                }
            });
        }
        Self { address, asked }
    }

    /// Starts a server with an authority for a zone, which answers from these records (see [`record`]).
    pub(crate) fn zone(zone: &'static str, records: &[&str]) -> Self {
        let records: Vec<Record> = records.iter().map(|text| record(text)).collect();
        Self::start(move |asked| answer_from(zone, &records, asked).into())
    }

    /// Returns the questions that came in so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn bind(addresses: &[IpAddr]) -> Option<Vec<(UdpSocket, TcpListener)>> {
    let mut port = 0;
    let mut sockets = Vec::new();
    for address in addresses {
        let udp = UdpSocket::bind((*address, port)).ok()?;
        port = udp.local_addr().ok()?.port();
        sockets.push((udp, TcpListener::bind((*address, port)).ok()?));
    }
    Some(sockets)
}

fn serve_udp(socket: &UdpSocket, seen: &Mutex<Vec<Asked>>, react: &dyn Fn(&Asked) -> Reaction) {
    let mut buffer = [0; 4096];
    while let Ok((length, from)) = socket.recv_from(&mut buffer) {
        if let Some(bytes) = reaction(&buffer[..length], false, seen, react).and_then(bytes) {
            let _ = socket.send_to(&bytes, from);
        }
    }
}

fn serve_tcp(
    mut stream: TcpStream,
    seen: &Mutex<Vec<Asked>>,
    react: &dyn Fn(&Asked) -> Reaction,
) -> std::io::Result<()> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut query)?;
    match reaction(&query, true, seen, react) {
        Some(Reaction::Hang(bytes)) => {
            stream.write_all(&u16::MAX.to_be_bytes())?;
            stream.write_all(&bytes)?;
            // The connection stays open until the process ends.
            std::mem::forget(stream);
        }
        reaction => {
            if let Some(bytes) = reaction.and_then(bytes) {
                stream.write_all(&u16::try_from(bytes.len()).unwrap().to_be_bytes())?;
                stream.write_all(&bytes)?;
            }
        }
    }
    Ok(())
}

fn reaction(
    query: &[u8],
    over_tcp: bool,
    seen: &Mutex<Vec<Asked>>,
    react: &dyn Fn(&Asked) -> Reaction,
) -> Option<Reaction> {
    let message = Message::from_vec(query).ok()?;
    let question = message.queries.first()?;
    let asked = Asked { name: text(question.name()), kind: question.query_type(), over_tcp, message };
    seen.lock().unwrap().push(asked.clone());
    Some(react(&asked))
}

fn bytes(reaction: Reaction) -> Option<Vec<u8>> {
    match reaction {
        Reaction::Answer(answer) => answer.to_vec().ok(),
        Reaction::Bytes(bytes) => Some(bytes),
        Reaction::Silence | Reaction::Hang(_) => None,
    }
}

fn text(name: &Name) -> String {
    name.to_lowercase().to_ascii().trim_end_matches('.').to_owned()
}

impl Asked {
    /// Makes an answer with authority, and with these records.
    pub(crate) fn answer(&self, records: &[&str]) -> Message {
        let mut message = Message::response(self.message.id, OpCode::Query);
        message.metadata.authoritative = true;
        message.metadata.recursion_desired = self.message.recursion_desired;
        message.add_queries(self.message.queries.clone());
        if self.message.edns.is_some() {
            message.set_edns(Edns::new());
        }
        message.add_answers(records.iter().map(|text| record(text)));
        message
    }

    /// Makes an answer without records, with a code.
    pub(crate) fn code(&self, code: ResponseCode) -> Message {
        let mut message = self.answer(&[]);
        message.metadata.response_code = code;
        message
    }

    /// Makes the answer of a server without authority that asks others.
    pub(crate) fn resolved(&self, records: &[&str]) -> Message {
        let mut message = self.answer(records);
        message.metadata.authoritative = false;
        message.metadata.recursion_available = true;
        message
    }
}

/// Answers from the records of a zone, as RFC 1034 says: with aliases, and with the SOA record if there is nothing else.
pub(crate) fn answer_from(zone: &str, records: &[Record], asked: &Asked) -> Message {
    let mut message = asked.answer(&[]);
    let mut name = asked.name.clone();
    let mut exists = false;
    for _ in 0..20 {
        let own: Vec<_> = records.iter().filter(|record| text(&record.name) == name).collect();
        exists = !own.is_empty() || name == zone;
        let found: Vec<_> = own.iter().filter(|record| record.record_type() == asked.kind).collect();
        let alias = own.iter().find_map(|record| match &record.data {
            RData::CNAME(target) => Some((*record, text(&target.0))),
            _ => None,
        });
        match alias {
            Some((record, target)) if found.is_empty() => {
                message.add_answer(record.clone());
                name = target;
                let is_inside = name == zone || name.ends_with(&format!(".{zone}"));
                if !is_inside {
                    return message;
                }
            }
            _ => {
                message.add_answers(found.into_iter().map(|record| (*record).clone()));
                break;
            }
        }
    }
    if !exists {
        message.metadata.response_code = ResponseCode::NXDomain;
    }
    if !message.answers.iter().any(|record| record.record_type() == asked.kind) {
        let apex = Name::from_ascii(format!("{zone}.")).unwrap();
        let soa = SOA::new(apex.clone(), apex.clone(), 1, 60, 60, 60, 60);
        message.add_authority(Record::from_rdata(apex, 60, RData::SOA(soa)));
    }
    message
}

/// Makes a record from `NAME TTL TYPE DATA`; the type is A, AAAA, CNAME or NS.
pub(crate) fn record(line: &str) -> Record {
    let parts: Vec<_> = line.split_whitespace().collect();
    let [name, ttl, kind, data] = parts[..] else { panic!("not a record: {line}") };
    let name_of = |text: &str| Name::from_ascii(format!("{text}.")).unwrap();
    let data = match kind {
        "A" => RData::A(A(data.parse().unwrap())),
        "AAAA" => RData::AAAA(AAAA(data.parse().unwrap())),
        "CNAME" => RData::CNAME(CNAME(name_of(data))),
        "NS" => RData::NS(NS(name_of(data))),
        _ => panic!("not a record: {line}"),
    };
    Record::from_rdata(name_of(name), ttl.parse().unwrap(), data)
}
