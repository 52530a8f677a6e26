//! `adit bench http`: whole commands over HTTP, each on a connection that stays open, against a server in this process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use adit_api::App;
use adit_core::command::Request;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Largest answer that is read.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// A server in this process.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    runtime: Runtime,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Server {
    pub(crate) fn start(app: Arc<App>) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = runtime.spawn(adit_api::serve(listener, app, async {
            // Told to stop, or nobody is left to tell.
            let _ = stopped.await;
        }));
        Ok(Self { address, runtime, stop, serving })
    }

    /// Waits for something that happens in it.
    pub(crate) fn wait<T>(&self, until: impl Future<Output = T>) -> T {
        self.runtime.block_on(until)
    }

    /// Waits until it has stopped. Connections that say nothing more must be gone before.
    pub(crate) fn stop(self) -> Result<()> {
        drop(self.stop);
        Ok(self.runtime.block_on(self.serving)??)
    }
}

/// One connection.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    token: String,
}

impl Client {
    /// Connects and signs in.
    pub(crate) fn sign_in(server: SocketAddr, actor: &str, password: &str) -> Result<Self> {
        let mut client = Self::connect(server, String::new())?;
        let answer = client.post("/api/v1/sign-in", &json!({ "actor": actor, "password": password }))?;
        answer["token"].as_str().context("the server gave no token")?.clone_into(&mut client.token);
        Ok(client)
    }

    pub(crate) fn connect(server: SocketAddr, token: String) -> Result<Self> {
        let stream = TcpStream::connect(server).context("couldn't connect to the server of the bench")?;
        // Small requests that wait for their answer gain nothing from being collected.
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), token })
    }

    /// Another connection of the same session.
    pub(crate) fn again(&self) -> Result<Self> {
        Self::connect(self.stream.get_ref().peer_addr()?, self.token.clone())
    }

    /// Sends a command and waits for its answer.
    pub(crate) fn execute(&mut self, request: &Request) -> Result<Value> {
        let mut body: Value = serde_json::from_str(&request.command.to_json()?)?;
        body["id"] = json!(request.id);
        self.post("/api/v1/commands", &body)
    }

    /// A page; its bytes.
    pub(crate) fn get(&mut self, path: &str) -> Result<Vec<u8>> {
        let head =
            format!("GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {}\r\n\r\n", self.token);
        self.stream.get_mut().write_all(head.as_bytes())?;
        self.answer()
    }

    fn post(&mut self, path: &str, body: &Value) -> Result<Value> {
        let signed_in = format!("authorization: Bearer {}\r\ncontent-type: application/json", self.token);
        self.send(path, &signed_in, &body.to_string())?;
        Ok(serde_json::from_slice(&self.answer()?)?)
    }

    /// A form as a browser sends it, by somebody who is not signed in; the page that answers.
    pub(crate) fn form(&mut self, path: &str, fields: &[(String, String)]) -> Result<Vec<u8>> {
        self.send_form(path, fields)?;
        self.answer()
    }

    /// The same; the status, and how long it took from sending it to the first byte of the answer.
    pub(crate) fn time_form(&mut self, path: &str, fields: &[(String, String)]) -> Result<(u16, Duration)> {
        let begun = Instant::now();
        self.send_form(path, fields)?;
        self.stream.fill_buf()?;
        let took = begun.elapsed();
        Ok((self.any_answer()?.0, took))
    }

    fn send_form(&mut self, path: &str, fields: &[(String, String)]) -> Result<()> {
        let part = |(name, value): &(String, String)| {
            format!("--part\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let parts: Vec<String> = fields.iter().map(part).collect();
        let body = parts.concat() + "--part--\r\n";
        self.send(path, "content-type: multipart/form-data; boundary=part", &body)
    }

    fn send(&mut self, path: &str, headers: &str, body: &str) -> Result<()> {
        let length = body.len();
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: bench\r\n{headers}\r\ncontent-length: {length}\r\n\r\n");
        Ok(self.stream.get_mut().write_all((head + body).as_bytes())?)
    }

    /// The content of the answer that comes.
    fn answer(&mut self) -> Result<Vec<u8>> {
        let (status, answer) = self.any_answer()?;
        if !(200..300).contains(&status) {
            bail!("the server answered {status}: {}", String::from_utf8_lossy(&answer));
        }
        Ok(answer)
    }

    /// Status and content of the answer that comes, whatever it says.
    fn any_answer(&mut self) -> Result<(u16, Vec<u8>)> {
        let (status, length) = self.head()?;
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer)?;
        Ok((status, answer))
    }

    /// Status and length of the answer that comes.
    fn head(&mut self) -> Result<(u16, usize)> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split_whitespace().nth(1).and_then(|code| code.parse().ok());
        let status = status.context("the server's answer has no status")?;
        let mut length = 0;
        loop {
            line.clear();
            if self.stream.read_line(&mut line)? == 0 {
                bail!("the server hung up");
            }
            let header = line.trim_end();
            if header.is_empty() {
                break;
            }
            let named =
                header.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            if let Some((_, value)) = named {
                length = value.trim().parse().context("the server's answer has no length")?;
            }
        }
        if length > ANSWER_BYTES_MAX {
            bail!("the server's answer is larger than {ANSWER_BYTES_MAX} bytes");
        }
        Ok((status, length))
    }
}
