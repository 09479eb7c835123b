//! Requests, taken apart.

use http::Method;

/// What was asked.
pub struct Asked {
    /// Without the query.
    pub path: String,
    query: Vec<(String, String)>,
    /// The client wants rows to print (`kubectl get`).
    pub table: bool,
}

impl Asked {
    pub fn read(path: &str, query: Option<&str>, accept: Option<&str>) -> Self {
        let query = query.unwrap_or_default().split('&').filter(|p| !p.is_empty());
        let query = query.map(|p| {
            let (k, v) = p.split_once('=').unwrap_or((p, ""));
            (unescape(k), unescape(v))
        });
        let table = accept.is_some_and(|a| a.contains("as=Table") && a.contains("g=meta.k8s.io"));
        Self { path: unescape(path), query: query.collect(), table }
    }

    /// A parameter of the query.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(k, v)| k == name && !v.is_empty()).map(|(_, v)| v.as_str())
    }

    /// A parameter that is on.
    pub fn is(&self, name: &str) -> bool {
        self.get(name).is_some_and(|v| v == "true" || v == "1")
    }

    /// A parameter that is a number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    pub fn watch(&self) -> bool {
        self.is("watch")
    }
}

fn unescape(s: &str) -> String {
    let bytes = s.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while let Some(&b) = bytes.get(i) {
        let hex = (b == b'%').then(|| s.get(i + 1..i + 3)).flatten().and_then(|h| u8::from_str_radix(h, 16).ok());
        if let Some(byte) = hex {
            out.push(byte);
            i += 3;
        } else {
            out.push(if b == b'+' { b' ' } else { b });
            i += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// What a path names.
#[derive(Debug, PartialEq, Eq)]
pub struct Target {
    /// Empty for the core group.
    pub group: String,
    pub namespace: Option<String>,
    pub plural: String,
    pub name: Option<String>,
    pub sub: Option<String>,
    /// After the subresource.
    pub rest: String,
}

impl Target {
    /// Pods of no certain namespace.
    pub fn pods() -> Self {
        Self { group: String::new(), namespace: None, plural: "pods".into(), name: None, sub: None, rest: String::new() }
    }

    pub fn read(path: &str) -> Option<Self> {
        let mut parts = path.trim_matches('/').split('/');
        let group = match parts.next()? {
            "api" => (parts.next()? == "v1").then(String::new)?,
            "apis" => {
                let group = parts.next()?.to_owned();
                parts.next()?;
                group
            }
            _ => return None,
        };
        let mut rest: Vec<&str> = parts.collect();
        let mut namespace = None;
        if rest.first() == Some(&"namespaces") && rest.len() >= 3 && !matches!(rest[2], "status" | "finalize") {
            namespace = Some(rest[1].to_owned());
            rest.drain(..2);
        }
        let mut rest = rest.into_iter();
        let plural = rest.next().filter(|p| !p.is_empty())?.to_owned();
        let (name, sub) = (rest.next().map(str::to_owned), rest.next().map(str::to_owned));
        Some(Self { group, namespace, plural, name, sub, rest: rest.collect::<Vec<_>>().join("/") })
    }

    /// As roles spell it.
    pub fn qualified(&self) -> String {
        let mut out = self.plural.clone();
        if !self.group.is_empty() {
            out = format!("{out}.{}", self.group);
        }
        match &self.sub {
            Some(sub) => format!("{out}/{sub}"),
            None => out,
        }
    }

    pub fn verb(&self, method: &Method, asked: &Asked) -> &'static str {
        match *method {
            Method::GET if asked.watch() => "watch",
            Method::GET if self.name.is_none() => "list",
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE if self.name.is_none() => "deletecollection",
            Method::DELETE => "delete",
            _ => "get",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_resources() {
        let read = |p| {
            Target::read(p)
                .map(|t| (t.namespace.unwrap_or_default(), t.plural.clone(), t.name.unwrap_or_default(), t.sub.unwrap_or_default()))
        };
        let of = |a: &str, b: &str, c: &str, d: &str| Some((a.to_owned(), b.to_owned(), c.to_owned(), d.to_owned()));
        assert_eq!(read("/api/v1/namespaces/x/pods/p/log"), of("x", "pods", "p", "log"));
        assert_eq!(read("/api/v1/pods"), of("", "pods", "", ""));
        assert_eq!(read("/api/v1/namespaces"), of("", "namespaces", "", ""));
        assert_eq!(read("/api/v1/namespaces/x"), of("", "namespaces", "x", ""));
        assert_eq!(read("/apis/apps/v1/namespaces/x/deployments/d/scale"), of("x", "deployments", "d", "scale"));
        assert_eq!(read("/api/v1/namespaces/x/pods/p:9090/proxy/metrics"), of("x", "pods", "p:9090", "proxy"));
        assert_eq!(read("/metrics"), None);
        assert_eq!(Target::read("/apis/apps/v1/namespaces/x/deployments/d/scale").unwrap().qualified(), "deployments.apps/scale");
        assert_eq!(unescape("a%3Ab+c%2"), "a:b c%2");
    }
}
