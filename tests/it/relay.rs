//! A relay on loopback between the program and a simulated Google, which writes down what passes.
//!
//! `PLANFACT_TRAFFIC=FILE` makes every story with a Google go through one and append its exchanges, a
//! JSON line each: method, path, request, status, response. It passes bytes on as they are, resets and
//! answers that break off included, and never writes headers, where the tokens are. The file is gzip, a
//! member for each exchange: all stories together say 2 GB, and `zcat` reads them as one text.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Bytes that are passed on at once.
const PIECE: usize = 64 * 1024;
/// Characters that are kept of a body that is not JSON.
const TEXT_MAX: usize = 2_000;

/// A running relay; it ends with the test's runtime.
pub(crate) struct Relay {
    /// The address to give to the program.
    pub(crate) endpoint: String,
    seen: Arc<Mutex<Vec<Value>>>,
}

/// The file that stories append their exchanges to, if one is wanted.
fn wanted() -> Option<PathBuf> {
    std::env::var_os("PLANFACT_TRAFFIC").map(PathBuf::from)
}

/// The address to give to the program: a relay's when traffic is to be written down, else the
/// simulator's own.
pub(crate) async fn endpoint(target: &str) -> String {
    match wanted() {
        Some(_) => Relay::start(target).await.endpoint,
        None => target.to_owned(),
    }
}

impl Relay {
    /// Starts a relay to a target such as `http://127.0.0.1:4040`.
    pub(crate) async fn start(target: &str) -> Relay {
        let target: SocketAddr = target
            .trim_start_matches("http://")
            .trim_end_matches('/')
            .parse()
            .unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<Value>>> = Arc::default();
        let kept = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                tokio::spawn(async move {
                    if let Ok(server) = TcpStream::connect(target).await {
                        pass(client, server, kept).await;
                    }
                });
            }
        });
        Relay { endpoint, seen }
    }

    /// The exchanges so far.
    pub(crate) fn seen(&self) -> Vec<Value> {
        self.seen.lock().unwrap().clone()
    }
}

/// One connection, until either side ends it.
async fn pass(client: TcpStream, server: TcpStream, seen: Arc<Mutex<Vec<Value>>>) {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let tape = Arc::new(Mutex::new(Tape {
        seen,
        ..Tape::default()
    }));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let asked = Arc::clone(&tape);
    let up = pump(from_client, to_server, move |piece| {
        asked.lock().unwrap().asked.extend_from_slice(piece);
    });
    let told = Arc::clone(&tape);
    let down = pump(from_server, to_client, move |piece| {
        let mut tape = told.lock().unwrap();
        tape.told.extend_from_slice(piece);
        tape.write_down();
    });
    // When one direction ends the connection is of no more use: HTTP/1.1 answers what was asked.
    tokio::select! {
        () = up => {}
        () = down => {}
    }
    tape.lock().unwrap().write_rest();
}

/// Passes bytes on until their source ends; a reset is passed on as a reset.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut note: impl FnMut(&[u8])) {
    let mut piece = vec![0; PIECE];
    loop {
        match from.read(&mut piece).await {
            Ok(0) => return,
            Ok(read) => {
                // Noted first, so that who has the answer finds it written down.
                note(&piece[..read]);
                if to.write_all(&piece[..read]).await.is_err() {
                    return;
                }
            }
            Err(_) => {
                let _ = to.as_ref().set_zero_linger();
                return;
            }
        }
    }
}

/// What passed on one connection and is not written down yet.
#[derive(Default)]
struct Tape {
    asked: Vec<u8>,
    told: Vec<u8>,
    seen: Arc<Mutex<Vec<Value>>>,
}

/// A whole message: its first line, its body, its length.
struct Message {
    line: String,
    body: Vec<u8>,
    length: usize,
}

impl Tape {
    /// Writes down the exchanges that are whole.
    fn write_down(&mut self) {
        while let (Some(asked), Some(told)) = (message(&self.asked), message(&self.told)) {
            self.asked.drain(..asked.length);
            self.told.drain(..told.length);
            self.keep(&exchange(&asked, &told.line, body_of(&told.body)));
        }
    }

    /// Writes down a question whose answer broke off or never came.
    fn write_rest(&mut self) {
        self.write_down();
        let (Some(asked), Some(end)) = (message(&self.asked), find(&self.told, b"\r\n")) else {
            return;
        };
        let line = String::from_utf8_lossy(&self.told[..end]).into_owned();
        self.keep(&exchange(&asked, &line, Value::Null));
    }

    fn keep(&self, exchange: &Value) {
        self.seen.lock().unwrap().push(exchange.clone());
        let Some(path) = wanted() else { return };
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed
            .write_all(format!("{exchange}\n").as_bytes())
            .unwrap();
        let packed = packed.finish().unwrap();
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.create(true).append(true).open(path).unwrap();
        // In one piece: other tests append to the same file.
        file.write_all(&packed).unwrap();
    }
}

fn exchange(asked: &Message, status: &str, response: Value) -> Value {
    let mut words = asked.line.split(' ');
    let mut word = || words.next().unwrap_or_default().to_owned();
    let status: u16 = status
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .unwrap_or(0);
    json!({"method": word(), "path": word(), "request": body_of(&asked.body), "status": status,
        "response": response})
}

fn body_of(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(body).unwrap_or_else(|_| {
        let text = String::from_utf8_lossy(body);
        text.chars().take(TEXT_MAX).collect::<String>().into()
    })
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|part| part == wanted)
}

/// The first message of the bytes, when it is there whole.
fn message(bytes: &[u8]) -> Option<Message> {
    let end = find(bytes, b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let header = |name: &str| {
        head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    };
    let line = head.lines().next().unwrap_or_default().to_owned();
    if header("transfer-encoding").is_some_and(|how| how.contains("chunked")) {
        let (body, length) = chunks(&bytes[end..])?;
        return Some(Message {
            line,
            body,
            length: end + length,
        });
    }
    let size: usize = header("content-length").map_or(0, |size| size.parse().unwrap());
    let body = bytes.get(end..end + size)?.to_vec();
    Some(Message {
        line,
        body,
        length: end + size,
    })
}

/// A body in chunks and how many bytes it took, when it is there whole.
fn chunks(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let end = at + find(&bytes[at..], b"\r\n")?;
        let size = String::from_utf8_lossy(&bytes[at..end]).into_owned();
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        let next = end + 2 + size + 2;
        body.extend_from_slice(bytes.get(end + 2..end + 2 + size)?);
        bytes.get(..next)?;
        at = next;
        if size == 0 {
            return Some((body, at));
        }
    }
}

#[test]
fn messages_are_read_off_a_stream() {
    let plain = b"POST /a?b=c HTTP/1.1\r\nContent-Length: 7\r\n\r\n{\"a\":1}GET / HTTP";
    let read = message(plain).unwrap();
    assert_eq!(
        (read.line.as_str(), read.length),
        ("POST /a?b=c HTTP/1.1", 50)
    );
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n";
    let told = message(chunked).unwrap();
    assert_eq!(
        (told.body.as_slice(), told.length),
        (&b"{\"a\":1}"[..], chunked.len())
    );
    for cut in 0..chunked.len() {
        assert!(message(&chunked[..cut]).is_none(), "{cut}");
    }
    let line = exchange(&read, &told.line, body_of(&told.body));
    let wanted = json!({"method": "POST", "path": "/a?b=c", "request": {"a": 1}, "status": 200,
        "response": {"a": 1}});
    assert_eq!(line, wanted);
}
