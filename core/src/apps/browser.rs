//! What a client remembers of a page, and of what the page needs: each is fetched after the other.

use std::collections::VecDeque;
use std::net::SocketAddrV4;

use super::client::Answer;
use super::http::{Request, Response};
use super::url::{Url, assets};
use crate::trace::{Asset, HttpResult};

/// The most times that a browser goes where it is sent (Chromium, `kMaxRedirects`).
const REDIRECTS: u32 = 20;

/// The most things that are fetched for one page.
const MOST: usize = 100;

/// The page so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Browser {
    /// What is being fetched.
    now: Option<Url>,
    page: Option<HttpResult>,
    needs: VecDeque<Url>,
    redirects: u32,
}

impl Browser {
    pub(super) fn begin(&mut self, url: Url) {
        self.now = Some(url);
    }

    /// The port of what is being fetched.
    pub(super) fn port(&self) -> u16 {
        self.now.as_ref().map_or(80, |url| url.port)
    }

    /// The request for it.
    pub(super) fn request(&self) -> Option<Request> {
        let url = self.now.as_ref()?;
        Some(Request { method: "GET".to_owned(), path: url.target.clone(), host: url.authority() })
    }

    /// Whether the page itself has come.
    pub(super) fn has_page(&self) -> bool {
        self.page.is_some()
    }

    /// The page with all that was fetched for it.
    pub(super) fn page(&self) -> HttpResult {
        let nowhere = || HttpResult::new(0, "", SocketAddrV4::new([0, 0, 0, 0].into(), 0));
        self.page.clone().unwrap_or_else(nowhere)
    }

    /// Takes a response, and says what to fetch next.
    pub(super) fn take(&mut self, response: Response, server: SocketAddrV4, browses: bool) -> Option<Url> {
        let url = self.now.take()?;
        let goes_on = matches!(response.status, 301 | 302 | 303 | 307 | 308) && self.redirects < REDIRECTS;
        if let (true, true, Some(location)) = (browses, goes_on, &response.location)
            && let Ok(elsewhere) = url.join(location)
        {
            self.redirects += 1;
            return Some(elsewhere);
        }
        self.redirects = 0;
        let Response { status, body, content_type, location } = response;
        let content_type = content_type.unwrap_or_default();
        match &mut self.page {
            None => {
                if browses && content_type.starts_with("text/html") {
                    let needs = assets(&body).into_iter().filter_map(|reference| url.join(reference).ok());
                    self.needs = needs.take(MOST).collect();
                }
                self.page = Some(HttpResult { content_type, location, ..HttpResult::new(status, body, server) });
            }
            Some(page) => {
                page.assets.push(Asset { url: url.to_string(), status: Some(status), content_type, body });
            }
        }
        self.needs.pop_front()
    }

    /// Notes that what is being fetched did not come, and says what to fetch next.
    pub(super) fn miss(&mut self, answer: &Answer) -> Option<Url> {
        let why = match answer {
            Answer::Name(result) => format!("{} has no address: {}", result.name, result.code),
            Answer::Refused { with, .. } => format!("refused: {with}"),
            Answer::Closed(_) => "an empty reply".to_owned(),
            Answer::Unsent(error) => error.clone(),
            Answer::Impossible(problem) => (*problem).to_owned(),
            Answer::TimedOut | Answer::Reached | Answer::Sent | Answer::Page(_) => "no answer".to_owned(),
        };
        if let (Some(url), Some(page)) = (self.now.take(), &mut self.page) {
            let (url, content_type) = (url.to_string(), String::new());
            page.assets.push(Asset { url, status: None, content_type, body: why });
        }
        self.needs.pop_front()
    }
}
