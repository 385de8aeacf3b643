//! A small client: raw bytes out, replies in. It waits for a bounded time and says what it waited for.

use super::reply::{self, Reply};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// Longest wait for any one reply.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why there is no reply.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Silence {
    /// The server closed the connection, after these undecoded bytes.
    Closed(Vec<u8>),
    /// Nothing came in time.
    Late,
    Garbage(String),
}

/// One connection.
pub struct Client {
    stream: TcpStream,
    input: Vec<u8>,
}

impl Client {
    /// Connects, or says why not.
    pub fn connect(address: SocketAddr) -> std::io::Result<Client> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Client { stream, input: Vec::new() })
    }

    /// The same connection for another thread to write to.
    pub fn twin(&self) -> Client {
        Client { stream: self.stream.try_clone().expect("a socket can be doubled"), input: Vec::new() }
    }

    /// Sends bytes as they are. An error is left for the next read to find.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Sends one command in the request form of RESP.
    pub fn send_words<W: AsRef<[u8]>>(&mut self, words: &[W]) {
        self.send(&request(words));
    }

    /// Says that nothing more will be sent.
    pub fn finish(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// The next reply.
    pub fn read(&mut self) -> Result<Reply, Silence> {
        loop {
            if let Some((reply, len)) = reply::decode(&self.input).map_err(Silence::Garbage)? {
                self.input.drain(..len);
                return Ok(reply);
            }
            self.fill(PATIENCE)?;
        }
    }

    /// One command and its reply; a connection without a reply fails the test.
    pub fn call<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Reply {
        self.try_call(words).unwrap_or_else(|why| {
            let words: Vec<_> = words.iter().map(|w| reply::printable(w.as_ref())).collect();
            panic!("no reply to {}: {why:?}", words.join(" "))
        })
    }

    /// One command and its reply.
    pub fn try_call<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Result<Reply, Silence> {
        self.send_words(words);
        self.read()
    }

    /// Reads raw bytes until `end` says that they are enough, the server closes or `patience` is over.
    /// Returns the bytes and whether the server closed.
    pub fn read_raw(&mut self, patience: Duration, end: impl Fn(&[u8]) -> bool) -> (Vec<u8>, bool) {
        while !end(&self.input) {
            match self.fill(patience) {
                Ok(()) => {}
                Err(Silence::Closed(bytes)) => return (bytes, true),
                Err(_) => break,
            }
        }
        (std::mem::take(&mut self.input), false)
    }

    fn fill(&mut self, patience: Duration) -> Result<(), Silence> {
        let mut chunk = [0; 65536];
        self.stream.set_read_timeout(Some(patience)).expect("a timeout that is not zero can be set");
        match self.stream.read(&mut chunk) {
            Ok(0) => Err(Silence::Closed(std::mem::take(&mut self.input))),
            Ok(n) => {
                self.input.extend_from_slice(&chunk[..n]);
                Ok(())
            }
            Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => Err(Silence::Late),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => Ok(()),
            Err(_) => Err(Silence::Closed(std::mem::take(&mut self.input))),
        }
    }
}

/// The request form of RESP of a command.
pub fn request<W: AsRef<[u8]>>(words: &[W]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.as_ref().len()).as_bytes());
        bytes.extend_from_slice(word.as_ref());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}
