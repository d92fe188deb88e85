#if Server
    import NIOCore
    import NIOHTTP1

    /// Ends a connection whose client sends many requests without waiting for their answers.
    ///
    /// `HTTPServerPipelineHandler`, which follows, keeps what was parsed until it is its turn. That
    /// is memory that no request has asked for.
    ///
    /// Used on its channel's event loop only.
    final class PipelineLimit: ChannelDuplexHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias InboundOut = HTTPServerRequestPart
        typealias OutboundIn = HTTPServerResponsePart
        typealias OutboundOut = HTTPServerResponsePart

        /// Most requests of a connection that are not answered.
        static let unansweredCountMax = 8

        private var unansweredCount = 0
        /// Whether the connection ends: what follows is dropped.
        private var isOver = false
        /// Whether the last answer is written: what follows is dropped behind this handler.
        private var isAnswered = false

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard !isOver else { return }
            if case .head = unwrapInboundIn(data), !isAnswered {
                unansweredCount += 1
                guard unansweredCount <= Self.unansweredCountMax else {
                    isOver = true
                    return context.close(promise: nil)
                }
            }
            context.fireChannelRead(data)
        }

        func write(
            context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?
        ) {
            // The refusal of what is no HTTP answers no head.
            if case .end = unwrapOutboundIn(data) { unansweredCount = max(0, unansweredCount - 1) }
            context.write(data, promise: promise)
        }

        func close(
            context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?
        ) {
            isAnswered = true
            context.close(mode: mode, promise: promise)
        }
    }
#endif
