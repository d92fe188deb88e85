#if Server
    import NIOCore

    /// Drops the bytes that a client sends after its last request.
    ///
    /// The HTTP parser stops after an `Upgrade`, after `CONNECT` and after invalid HTTP. It would
    /// keep all further bytes in memory that no request has reserved. This handler therefore
    /// precedes it.
    ///
    /// Only the channel's event loop may use it.
    final class InputGate: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias InboundOut = ByteBuffer

        /// Whether arriving bytes are dropped.
        private(set) var isClosed = false

        /// Drops all bytes that arrive from now on.
        func close() { isClosed = true }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            if !isClosed { context.fireChannelRead(data) }
        }
    }
#endif
