#if Server
    import HTTPTypes
    import NIOCore
    import NIOHTTPTypes

    /// Closes a connection whose next request does not arrive as a whole in time, however many bytes of it trickle
    /// in.
    ///
    /// Used on its channel's event loop only.
    final class RequestDeadline: ChannelInboundHandler, RemovableChannelHandler {
        typealias InboundIn = HTTPRequestPart

        private let time: TimeAmount
        private var deadline: Scheduled<Void>?

        init(_ time: TimeAmount) { self.time = time }

        func handlerAdded(context: ChannelHandlerContext) {
            if context.channel.isActive { start(context) }
        }

        func channelActive(context: ChannelHandlerContext) {
            start(context)
            context.fireChannelActive()
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head: start(context)
            case .body: break
            // Between two requests the idle timeout counts.
            case .end: deadline?.cancel()
            }
            context.fireChannelRead(data)
        }

        func channelInactive(context: ChannelHandlerContext) {
            deadline?.cancel()
            context.fireChannelInactive()
        }

        private func start(_ context: ChannelHandlerContext) {
            deadline?.cancel()
            let channel = context.channel
            deadline = context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
        }
    }
#endif
