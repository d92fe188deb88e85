#if Server
    import NIOCore
    import NIOHTTP1

    /// Ends a connection whose client sends many requests without waiting for their answers.
    ///
    /// `HTTPServerPipelineHandler`, which follows, keeps parsed requests until their turn. No
    /// request has reserved that memory.
    ///
    /// Only the channel's event loop may use it.
    final class PipelineLimit: ChannelDuplexHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias InboundOut = HTTPServerRequestPart
        typealias OutboundIn = HTTPServerResponsePart
        typealias OutboundOut = HTTPServerResponsePart

        /// The most requests of a connection without an answer.
        static let unansweredCountMax = 8

        private var unansweredCount = 0
        /// Whether the connection is ending, so that further input is dropped.
        private var isOver = false
        /// Whether the last answer is written, so that the next handler drops further input.
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
            // The refusal of invalid HTTP has no matching request.
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
