#if Server
    import HTTPTypes
    import NIOCore
    import NIOHTTPTypes

    /// Closes a connection on which a request does not arrive as a whole in time, however many bytes of it trickle in,
    /// or whose client does not take the response in time.
    ///
    /// Used on its channel's event loop only.
    final class RequestDeadline: ChannelDuplexHandler, RemovableChannelHandler {
        typealias InboundIn = HTTPRequestPart
        typealias OutboundIn = HTTPResponsePart
        typealias OutboundOut = HTTPResponsePart

        private let time: TimeAmount
        private var reading: Scheduled<Void>?
        private var writing: Scheduled<Void>?

        init(_ time: TimeAmount) { self.time = time }

        func handlerAdded(context: ChannelHandlerContext) {
            if context.channel.isActive { reading = deadline(context) }
        }

        func channelActive(context: ChannelHandlerContext) {
            reading?.cancel()
            reading = deadline(context)
            context.fireChannelActive()
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head:
                reading?.cancel()
                reading = deadline(context)
            case .body: break
            // Between two requests the idle timeout counts.
            case .end: reading?.cancel()
            }
            context.fireChannelRead(data)
        }

        func write(
            context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?
        ) {
            let part = unwrapOutboundIn(data)
            if case .head = part {
                writing?.cancel()
                writing = deadline(context)
            }
            guard case .end = part else {
                return context.write(wrapOutboundOut(part), promise: promise)
            }
            let written = promise ?? context.eventLoop.makePromise(of: Void.self)
            let deadline = writing
            written.futureResult.whenComplete { _ in deadline?.cancel() }
            context.write(wrapOutboundOut(part), promise: written)
        }

        func channelInactive(context: ChannelHandlerContext) {
            reading?.cancel()
            writing?.cancel()
            context.fireChannelInactive()
        }

        private func deadline(_ context: ChannelHandlerContext) -> Scheduled<Void> {
            let channel = context.channel
            return context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
        }
    }
#endif
