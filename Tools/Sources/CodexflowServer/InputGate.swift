#if Server
    import NIOCore

    /// Drops what a client sends after its last request.
    ///
    /// The parser of HTTP takes no more bytes after an `Upgrade`, after `CONNECT` and after what is
    /// no HTTP. It would keep all that follows in memory, which no request has asked for. So this
    /// handler stands before it.
    ///
    /// Used on its channel's event loop only.
    final class InputGate: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias InboundOut = ByteBuffer

        /// Whether what arrives is dropped.
        private(set) var isClosed = false

        /// Drops all that arrives from now on.
        func close() { isClosed = true }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            if !isClosed { context.fireChannelRead(data) }
        }
    }
#endif
