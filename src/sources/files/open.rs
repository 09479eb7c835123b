//! Opens one file: compression by its first bytes, kind by its content.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use super::{Error, Part, documents, lines, runs, tapes};
use crate::tape;

/// A stream with its first bytes looked at.
pub(super) struct Peeked {
    head: io::Cursor<Vec<u8>>,
    rest: Box<dyn Read + Send>,
}

impl Peeked {
    fn new(mut rest: Box<dyn Read + Send>, most: usize) -> io::Result<Self> {
        let mut head = Vec::new();
        rest.by_ref().take(u64::try_from(most).unwrap_or(u64::MAX)).read_to_end(&mut head)?;
        Ok(Self { head: io::Cursor::new(head), rest })
    }

    /// The first bytes only as far as they are there already: a pipe that is
    /// being written must not be waited for.
    fn some(mut rest: Box<dyn Read + Send>) -> io::Result<Self> {
        let mut head = vec![0; 1 << 16];
        let mut n = 0;
        while n < 4 {
            let got = rest.read(&mut head[n..])?;
            if got == 0 {
                break;
            }
            n += got;
        }
        head.truncate(n);
        Ok(Self { head: io::Cursor::new(head), rest })
    }

    fn head(&self) -> &[u8] {
        self.head.get_ref()
    }
}

impl Read for Peeked {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.head.read(buf)?;
        if n > 0 { Ok(n) } else { self.rest.read(buf) }
    }
}

/// A compressed file that was cut ends where it was cut: what came before is
/// good, whatever the decoder calls what is missing.
struct Cut<R>(R);

impl<R: Read> Read for Cut<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf).or_else(|e| {
            let cut = e.kind() == io::ErrorKind::UnexpectedEof || e.to_string().contains("incomplete");
            if cut { Ok(0) } else { Err(e) }
        })
    }
}

/// Whether a file has to be decompressed.
pub(super) fn compressed(path: &Path) -> io::Result<bool> {
    let mut head = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut head)?;
    Ok(is_zstd(&head) || is_gzip(&head))
}

pub(super) fn is_zstd(head: &[u8]) -> bool {
    head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
}

pub(super) fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(&[0x1f, 0x8b])
}

/// Opens and decompresses.
pub(super) fn plain(path: &Path) -> Result<Box<dyn Read + Send>, Error> {
    let io_error = |e| Error::Io(path.to_owned(), e);
    let raw = if path.as_os_str() == "-" {
        Peeked::some(Box::new(io::stdin()))
    } else {
        let file = File::open(path).map_err(io_error)?;
        if file.metadata().map_err(io_error)?.is_dir() {
            return Err(Error::Io(path.to_owned(), io::ErrorKind::IsADirectory.into()));
        }
        Peeked::new(Box::new(file), 4)
    }
    .map_err(io_error)?;
    Ok(if is_zstd(raw.head()) {
        Box::new(zstd::stream::read::Decoder::new(raw).map_err(io_error)?)
    } else if is_gzip(raw.head()) {
        Box::new(Cut(flate2::read::MultiGzDecoder::new(BufReader::new(raw))))
    } else {
        Box::new(raw)
    })
}

/// Opens a file as what its content is. Of a session's segments, the `first`
/// gives what it repeats of those before it. Several logs in one file, the later
/// one first, are as many parts.
pub(super) fn parts(path: &Path, name: &str, first: bool) -> Result<Vec<Box<dyn Part>>, Error> {
    let io_error = |e| Error::Io(path.to_owned(), e);
    let stream = plain(path)?;
    let stream = if path.as_os_str() == "-" { Peeked::some(stream) } else { Peeked::new(stream, 1 << 16) }.map_err(io_error)?;
    if stream.head().starts_with(tape::MAGIC) {
        let reader = tape::Reader::new(stream, first).map_err(|e| tapes::error(path, e))?;
        return Ok(vec![Box::new(tapes::Tape::new(reader))]);
    }
    if documents::looks_like(stream.head()) {
        return Ok(vec![Box::new(documents::Documents::new(Box::new(stream), name))]);
    }
    // What can be read only once, a pipe, is read as it comes.
    let again = path.as_os_str() != "-" && path.is_file();
    let runs = if again { runs::of(path).map_err(io_error)? } else { Vec::new() };
    if runs.is_empty() {
        return Ok(vec![Box::new(lines::Lines::new(Box::new(stream), name))]);
    }
    let part = |r| Ok(Box::new(lines::Lines::new(runs::read(path, r).map_err(io_error)?, name)) as Box<dyn Part>);
    runs.iter().map(part).collect()
}
