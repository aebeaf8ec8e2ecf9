//! What web servers do for requests.

use std::time::Duration;

use netscene_core::kube::{HttpAnswer, HttpHandler};

use super::{Checker, values};
use crate::ast::{AnswerPart, Text};
use crate::limits::LONGEST_WAIT;
use crate::{Code, Diagnostic, Span, Word};

/// The methods of HTTP (RFC 9110, RFC 5789).
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];
/// The statuses that send a client elsewhere (RFC 9110, 15.4).
const REDIRECTIONS: [u16; 5] = [301, 302, 303, 307, 308];

impl Checker<'_> {
    pub(super) fn handler(&mut self, method: &Text, path: &Text, parts: &[AnswerPart]) -> Option<HttpHandler> {
        let methods = METHODS.map(|name| (name, name));
        let method = self.ok(values::choice("method of HTTP", method, &methods));
        let mut given: Vec<&AnswerPart> = Vec::new();
        for part in parts {
            if let Some(first) = given.iter().find(|other| other.word == part.word) {
                let title = format!("`{}` is given twice", part.word.text());
                let diagnostic = Diagnostic::error(Code::Duplicate, title).at(part.span, "given again here");
                self.report(diagnostic.see(first.span, "first given here"));
            } else {
                given.push(part);
            }
        }
        let part = |word: Word| given.iter().copied().find(|part| part.word == word);
        let text = |word: Word| part(word).and_then(|part| part.value.as_ref());
        let servers = part(Word::Connect).map_or(&[][..], |part| &part.servers);
        let connect = servers.iter().filter_map(|server| self.connect(server)).collect();
        let after = text(Word::After).and_then(|text| {
            let after = self.ok(values::duration(&text.text, text.span))?;
            if after > LONGEST_WAIT {
                let diagnostic = Diagnostic::error(Code::TooMuch, "a server takes a year at most");
                self.report(diagnostic.at(text.span, "use less"));
            }
            Some(after)
        });
        let status = text(Word::Status).and_then(|text| self.status(text));
        let answers = [Word::Redirect, Word::Echo, Word::Close, Word::Reset];
        let mut kinds = given.iter().filter(|part| answers.contains(&part.word));
        let kind = kinds.next();
        if let Some((first, second)) = kind.zip(kinds.next()) {
            self.clash(first, second);
        }
        for word in [Word::Body, Word::Status] {
            // A redirection may say with which status.
            let belongs = kind.is_none_or(|kind| kind.word == Word::Redirect && word == Word::Status);
            if let (Some(part), Some(kind), false) = (part(word), kind, belongs) {
                self.clash(kind, part);
            }
        }
        let answer = match kind.map(|kind| (kind.word, kind.value.as_ref())) {
            Some((Word::Redirect, to)) => {
                let place = part(Word::Status).map(|part| part.span);
                self.redirection(status, place);
                HttpAnswer::Redirect { status: status.unwrap_or(302), to: to?.text.clone() }
            }
            Some((Word::Echo, _)) => HttpAnswer::Echo,
            Some((Word::Close, _)) => HttpAnswer::Close,
            Some(_) => HttpAnswer::Reset,
            None => match (status, text(Word::Body)) {
                (None, None) => HttpAnswer::Page,
                (status, body) => {
                    HttpAnswer::Text { status: status.unwrap_or(200), body: body.map(|body| body.text.clone()) }
                }
            },
        };
        let (method, path) = (method?.to_owned(), path.text.clone());
        Some(HttpHandler { method, path, connect, after: after.unwrap_or(Duration::ZERO), answer })
    }

    /// A status that ends a request (RFC 9110, 15).
    fn status(&mut self, text: &Text) -> Option<u16> {
        let status = text.text.parse().ok().filter(|status| (200..600).contains(status));
        if status.is_none() {
            let title = format!("`{}` is no status of an answer", text.text);
            self.report(Diagnostic::error(Code::BadValue, title).at(text.span, "expected 200 to 599"));
        }
        status
    }

    fn redirection(&mut self, status: Option<u16>, place: Option<Span>) {
        let (Some(status), Some(place)) = (status, place) else { return };
        if !REDIRECTIONS.contains(&status) {
            let title = format!("{status} sends nobody elsewhere");
            self.report(Diagnostic::error(Code::BadValue, title).at(place, "expected 301, 302, 303, 307 or 308"));
        }
    }

    fn clash(&mut self, one: &AnswerPart, other: &AnswerPart) {
        let title = format!("`{}` and `{}` are two answers", one.word.text(), other.word.text());
        let diagnostic = Diagnostic::error(Code::Duplicate, title).at(other.span, "a request gets one");
        self.report(diagnostic.see(one.span, "the other one"));
    }
}
