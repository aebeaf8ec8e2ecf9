//! HTTP/1.1 messages, as far as servers, clients and the proxy need them.

/// The most headers a message may have.
const HEADERS: usize = 32;

/// A request without a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) host: String,
}

impl Request {
    /// The request at the beginning of `bytes`. `Ok(None)`: more bytes are needed. An error: this is not HTTP.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<Self>, httparse::Error> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        if request.parse(bytes)?.is_partial() {
            return Ok(None);
        }
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let (method, path) = (text(request.method), text(request.path));
        let host = header(&headers, "host").unwrap_or_default().to_owned();
        Ok(Some(Self { method, path, host }))
    }

    /// The request as bytes, with further header lines, each ending in CRLF.
    pub(super) fn to_bytes(&self, more: &str) -> Vec<u8> {
        format!("{} {} HTTP/1.1\r\nHost: {}\r\n{more}\r\n", self.method, self.path, self.host).into_bytes()
    }
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) body: String,
    /// `Content-Type`.
    pub(super) content_type: Option<String>,
    /// `Location`.
    pub(super) location: Option<String>,
}

impl Response {
    pub(super) fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, body: body.into(), content_type: None, location: None }
    }

    /// One that sends the client elsewhere.
    pub(super) fn redirect(status: u16, location: String) -> Self {
        Self { location: Some(location), ..Self::new(status, reason(status)) }
    }

    /// The response at the beginning of `bytes`, once it is whole.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<Self>, httparse::Error> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(start) = response.parse(bytes)? else { return Ok(None) };
        let status = response.code.unwrap_or_default();
        let length = header(&headers, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        let body = bytes.get(start..).and_then(|rest| rest.get(..length));
        let text = |name| header(&headers, name).map(str::to_owned);
        Ok(body.map(|body| Self {
            status,
            body: String::from_utf8_lossy(body).into_owned(),
            content_type: text("content-type"),
            location: text("location"),
        }))
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let Self { status, body, content_type, location } = self;
        let mut text = format!("HTTP/1.1 {status} {}\r\nContent-Length: {}\r\n", reason(*status), body.len());
        for (name, value) in [("Content-Type", content_type), ("Location", location)] {
            if let Some(value) = value {
                text.extend([name, ": ", value, "\r\n"]);
            }
        }
        text += "\r\n";
        text += body;
        text.into_bytes()
    }
}

pub(super) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        418 => "I'm a teapot",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Temporarily Unavailable",
        504 => "Gateway Time-out",
        _ => "",
    }
}

fn header<'a>(headers: &[httparse::Header<'a>], name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(found.value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_the_wire() {
        let request = Request { method: "GET".into(), path: "/wordpress/".into(), host: "10.1.110.105".into() };
        assert_eq!(Request::parse(&request.to_bytes("X-Request-ID: 1\r\n")), Ok(Some(request)));
        let response = Response::new(404, "default backend - 404");
        let bytes = response.to_bytes();
        assert_eq!(Response::parse(&bytes[..bytes.len() - 1]), Ok(None), "the body is not whole yet");
        assert_eq!(Response::parse(&bytes), Ok(Some(response)));
        let moved = Response::redirect(308, "https://foo/".into());
        assert_eq!(Response::parse(&moved.to_bytes()), Ok(Some(moved)));
    }
}
