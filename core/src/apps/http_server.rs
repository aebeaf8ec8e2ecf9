//! A web server that may need other servers before it can answer.
//!
//! With a document root it serves the files there as Apache and nginx do: a folder is its `index.html` or `index.php`, and
//! is sent to its slash first; what is not there is 404.

use std::collections::VecDeque;
use std::net::SocketAddrV4;
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::http::{Request, Response, reason};
use super::resolver::{NotAsked, Progress, Resolver, Wanted};
use super::{Event, System};
use crate::kube::{Connect, Container, HttpAnswer, HttpHandler};
use crate::net::tcp::{ConnectionId, Happened};
use crate::trace::Observer;

/// A web server with pages below a root.
#[derive(Clone, Debug)]
pub struct HttpServer {
    root: String,
    /// The container it runs in, and the folder it serves.
    files: Option<(String, String)>,
    on: Vec<HttpHandler>,
    /// Who answers, for the page's text.
    name: String,
    received: FxHashMap<ConnectionId, Vec<u8>>,
    jobs: Vec<Job>,
    last_token: u64,
    /// The access log, in the Common Log Format; the time is that of the scenario, in seconds.
    pub(super) log: Vec<String>,
}

/// A request that waits for other servers.
#[derive(Clone, Debug)]
struct Job {
    client: ConnectionId,
    request: Request,
    needs: VecDeque<Connect>,
    /// What it does then.
    after: Duration,
    answer: HttpAnswer,
    /// The connections it has made; closed when it is done.
    open: Vec<ConnectionId>,
    waits: Waits,
}

#[derive(Clone, Debug)]
enum Waits {
    Name(Box<Resolver>, u16),
    Connection(ConnectionId),
    /// An alarm, and nobody.
    Time(u64),
}

impl HttpServer {
    /// The server of a container of the pod or host `name`, with pages below `root`.
    pub fn new(name: impl Into<String>, container: &Container, root: &str, on: &[HttpHandler]) -> Self {
        let folder = container.disk.document_root.as_ref();
        Self {
            files: folder.map(|folder| (container.name.clone(), folder.clone())),
            log: Vec::new(),
            root: root.trim_end_matches('/').to_owned(),
            on: on.to_vec(),
            name: name.into(),
            received: FxHashMap::default(),
            jobs: Vec::new(),
            last_token: 0,
        }
    }

    pub(super) fn handle<O: Observer>(&mut self, event: Event, system: &mut System<'_, '_, O>) {
        match event {
            Event::Started => {}
            Event::Alarm(token) => {
                let over = |job: &Job| matches!(job.waits, Waits::Time(one) if one == token);
                if let Some(at) = self.jobs.iter().position(over) {
                    return self.answer(at, system);
                }
                let waits = |job: &Job| matches!(&job.waits, Waits::Name(resolver, _) if resolver.token == token);
                self.resolve_step(waits, system, Resolver::silence);
            }
            Event::Socket(happened) => self.socket(happened, system),
        }
    }

    fn socket<O: Observer>(&mut self, happened: Happened, system: &mut System<'_, '_, O>) {
        match happened {
            Happened::Data(client, bytes) => self.data(client, &bytes, system),
            Happened::Datagram { port, payload, .. } => {
                let waits = |job: &Job| matches!(&job.waits, Waits::Name(resolver, _) if resolver.has_port(port));
                self.resolve_step(waits, system, |resolver, system| resolver.answer(&payload, system));
            }
            Happened::Connected(connection) => {
                if let Some(at) = self.job_of(connection) {
                    self.jobs[at].open.push(connection);
                    self.next_need(at, system);
                }
            }
            Happened::Failed(connection, _) => {
                self.received.remove(&connection);
                if let Some(at) = self.job_of(connection) {
                    self.finish(at, &Response::new(500, "Error establishing a connection"), system);
                }
            }
            Happened::PeerClosed(connection) => {
                self.received.remove(&connection);
                system.close(connection);
            }
            Happened::Accepted(_) | Happened::DatagramRefused { .. } | Happened::EchoReply { .. } => {}
        }
    }

    fn data<O: Observer>(&mut self, client: ConnectionId, bytes: &[u8], system: &mut System<'_, '_, O>) {
        let received = self.received.entry(client).or_default();
        received.extend_from_slice(bytes);
        let request = match Request::parse(received) {
            Ok(None) => return,
            Ok(Some(request)) => request,
            Err(_) => return system.write(client, Response::new(400, "Bad Request").to_bytes()),
        };
        self.received.remove(&client);
        let fits = |on: &&HttpHandler| on.method == request.method && request.path.starts_with(&on.path);
        let on = self.on.iter().find(fits);
        let needs = on.map_or(VecDeque::new(), |on| on.connect.iter().cloned().collect());
        let (after, answer) = on.map_or_else(Default::default, |on| (on.after, on.answer.clone()));
        let waits = Waits::Connection(client);
        self.jobs.push(Job { client, request, needs, after, answer, open: Vec::new(), waits });
        self.next_need(self.jobs.len() - 1, system);
    }

    /// The place of the job that waits for `connection` to open.
    fn job_of(&self, connection: ConnectionId) -> Option<usize> {
        self.jobs.iter().position(|job| matches!(job.waits, Waits::Connection(one) if one == connection))
    }

    fn next_need<O: Observer>(&mut self, at: usize, system: &mut System<'_, '_, O>) {
        let Some(need) = self.jobs[at].needs.pop_front() else {
            let after = std::mem::take(&mut self.jobs[at].after);
            if after.is_zero() {
                return self.answer(at, system);
            }
            self.last_token += 1;
            self.jobs[at].waits = Waits::Time(self.last_token);
            return system.alarm(after, self.last_token);
        };
        if let Ok(address) = need.host.parse() {
            return self.open(at, SocketAddrV4::new(address, need.port), system);
        }
        self.last_token += 1;
        match Resolver::start(&Wanted::Addresses(need.host.clone()), self.last_token, system) {
            Ok(resolver) => self.jobs[at].waits = Waits::Name(Box::new(resolver), need.port),
            Err(NotAsked::Unsent(error)) => self.finish(at, &Response::new(500, error), system),
            Err(NotAsked::Impossible(problem)) => self.finish(at, &Response::new(500, problem), system),
        }
    }

    /// Answers a request that waits for nothing any more.
    fn answer<O: Observer>(&mut self, at: usize, system: &mut System<'_, '_, O>) {
        let Job { client, request, answer, .. } = &self.jobs[at];
        let response = match answer {
            HttpAnswer::Page => match &self.files {
                Some((container, folder)) => file(container, folder, request, system),
                None => self.page(&request.path),
            },
            HttpAnswer::Text { status, body } => {
                Response::new(*status, body.clone().unwrap_or_else(|| reason(*status).to_owned()))
            }
            HttpAnswer::Redirect { status, to } => Response::redirect(*status, to.clone()),
            HttpAnswer::Echo => Response::new(200, String::from_utf8_lossy(&request.to_bytes("")).into_owned()),
            HttpAnswer::Close | HttpAnswer::Reset => {
                let (client, reset) = (*client, *answer == HttpAnswer::Reset);
                for connection in self.jobs.remove(at).open {
                    system.close(connection);
                }
                return if reset { system.reset(client) } else { system.close(client) };
            }
        };
        self.finish(at, &response, system);
    }

    fn open<O: Observer>(&mut self, at: usize, to: SocketAddrV4, system: &mut System<'_, '_, O>) {
        match system.connect(to, None) {
            Some(connection) => self.jobs[at].waits = Waits::Connection(connection),
            None => self.finish(at, &Response::new(500, "no route"), system),
        }
    }

    fn resolve_step<O: Observer>(
        &mut self,
        waits: impl Fn(&Job) -> bool,
        system: &mut System<'_, '_, O>,
        step: impl FnOnce(&mut Resolver, &mut System<'_, '_, O>) -> Progress,
    ) {
        let Some(at) = self.jobs.iter().position(waits) else { return };
        let Waits::Name(resolver, port) = &mut self.jobs[at].waits else { return };
        let port = *port;
        match step(resolver, system) {
            Progress::Pending => {}
            Progress::Answered(result) => match result.addresses.first() {
                Some(address) => self.open(at, SocketAddrV4::new(*address, port), system),
                None => self.finish(at, &Response::new(500, format!("{}: no such name", result.name)), system),
            },
            Progress::TimedOut => self.finish(at, &Response::new(500, "the name server is silent"), system),
        }
    }

    /// Closes what the job has opened, then answers its request.
    fn finish<O: Observer>(&mut self, at: usize, response: &Response, system: &mut System<'_, '_, O>) {
        let job = self.jobs.remove(at);
        for connection in job.open {
            system.close(connection);
        }
        let from = system.namespace.sockets.remote(job.client).map_or_else(|| "-".into(), |from| from.ip().to_string());
        let Request { method, path, .. } = &job.request;
        let (time, Response { status, body, .. }) = (system.context.now, response);
        self.log.push(format!("{from} - - [{time}] \"{method} {path} HTTP/1.1\" {status} {}", body.len()));
        system.write(job.client, response.to_bytes());
    }

    fn page(&self, path: &str) -> Response {
        let below = path.strip_prefix(&self.root);
        if below.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?'])) {
            Response::new(200, format!("{} {path}\n", self.name))
        } else {
            Response::new(404, "Not Found")
        }
    }
}

/// What is served of a folder.
fn file<O: Observer>(container: &str, folder: &str, request: &Request, system: &System<'_, '_, O>) -> Response {
    let Some(files) = system.files else { return Response::new(404, "Not Found") };
    let path = request.path.split('?').next().unwrap_or_default();
    let mut inside: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            // Nothing above the root is anybody's business.
            ".." if inside.pop().is_none() => return Response::new(400, "Bad Request"),
            "" | "." | ".." => {}
            part => inside.push(part),
        }
    }
    let full = format!("{}/{}", folder.trim_end_matches('/'), inside.join("/"));
    if let Some(text) = files.read(container, &full).filter(|_| !path.ends_with('/')) {
        return with_type(text, &full);
    }
    if !files.is_folder(container, &full) {
        return Response::new(404, "Not Found");
    }
    if !path.ends_with('/') {
        return Response::redirect(301, format!("http://{}{path}/", request.host));
    }
    let index = ["index.html", "index.php"].map(|name| format!("{}/{name}", full.trim_end_matches('/')));
    let found = index.iter().find_map(|index| Some((index, files.read(container, index)?)));
    found.map_or_else(|| Response::new(403, "Forbidden"), |(index, text)| with_type(text, index))
}

/// A file with the type that its ending says it has (Apache's `mime.types`).
fn with_type(text: &str, path: &str) -> Response {
    let kind = match path.rsplit('.').next() {
        Some("html" | "htm" | "php") => "text/html",
        Some("css") => "text/css",
        Some("js") => "application/javascript",
        Some("png") => "image/png",
        Some("svg") => "image/svg+xml",
        _ => "text/plain",
    };
    Response { content_type: Some(kind.to_owned()), ..Response::new(200, text) }
}
