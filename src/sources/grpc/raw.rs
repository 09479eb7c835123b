//! Unary calls whose answer stays the bytes that came, fields of newer servers
//! and all.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use prost::Message;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

/// The largest answer that is taken: a page of a thousand requests with their
/// failures' backtraces.
const MAX_ANSWER: usize = 32 << 20;

/// Bytes in, bytes out.
#[derive(Clone, Copy, Debug, Default)]
struct RawCodec;

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put(item);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

/// Calls `path` (`/package.Service/Method`); the answer must decode as `A`.
pub async fn call<Q: Message, A: Message + Default>(
    channel: &Channel,
    path: &'static str,
    question: &Q,
    deadline: Duration,
) -> Result<(Bytes, A), Status> {
    let mut grpc = Grpc::new(channel.clone()).max_decoding_message_size(MAX_ANSWER);
    let question = Bytes::from(question.encode_to_vec());
    let work = async {
        grpc.ready().await.map_err(|e| Status::unavailable(crate::sources::kube::access::chain(&e)))?;
        let mut request = Request::new(question);
        // The server learns of it too and need not work on; it gives up after
        // we did, so that the answer is always ours.
        request.set_timeout(deadline * 2);
        grpc.unary(request, PathAndQuery::from_static(path), RawCodec).await
    };
    // The deadline holds for connecting and for servers that never answer.
    let answer = tokio::time::timeout(deadline, work).await.map_err(|_| Status::deadline_exceeded("no answer"))??;
    let raw = answer.into_inner();
    let message = A::decode(raw.clone()).map_err(|e| Status::new(Code::DataLoss, format!("the answer is no {path}: {e}")))?;
    Ok((raw, message))
}
