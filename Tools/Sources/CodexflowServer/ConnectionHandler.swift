#if Server
    import CodexSignatures
    import NIOCore
    import NIOHTTP1

    /// The handler of one connection: receives its requests one by one, and writes their answers.
    ///
    /// `HTTPServerPipelineHandler` precedes it, and holds a client's next request back until the
    /// answer is written. The handler reads only as much as it has memory for. It writes only as
    /// much as the client takes. If a request takes too long to arrive, or an answer too long to be
    /// taken, the connection ends.
    ///
    /// Only the channel's event loop may use it.
    final class ConnectionHandler: ChannelDuplexHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundIn = Never
        typealias OutboundOut = HTTPServerResponsePart

        /// Answers a request within the time of its clock.
        typealias Responder = @Sendable (ReceivedRequest, RequestClock) async -> HTTPAnswer

        private enum State {
            /// There is no request.
            case idle
            /// A request's body is arriving.
            case receiving(IncomingRequest)
            /// A request is being answered.
            case answering(RequestClock, closes: Bool)
            /// An answer is being written.
            case writing(OutgoingAnswer)
            /// The last answer is written, and further bytes of the client are dropped.
            case closing
        }

        private let endpoint: Endpoint
        private let date: HTTPDate
        private let gate: InputGate
        /// The function that answers requests; `nil` is the endpoint.
        private let responder: Responder?
        private let timeout: TimeAmount
        private var state = State.idle
        private var context: ChannelHandlerContext?
        /// The time when the connection ends, unless a request has arrived or an answer is taken.
        private var deadline = NIODeadline.distantFuture
        private var timer: Scheduled<Void>?
        /// The address that the client connected to.
        private var localAddress: String?
        /// Whether reading waits for memory.
        private var isHeld = false
        private var hasHeldRead = false
        /// The portions that were written in this turn; further portions may wait for another turn.
        private var turnPortionCount = 0
        private var isTurnOver = false
        /// Whether a request was begun in this turn of reading; others wait for their own turn.
        private var hasBegunRequest = false
        /// The executor of tasks on the channel's event loop.
        private var executor: EventLoopExecutor?

        /// The most portions of an answer in a turn.
        private static let turnPortionCountMax = 2
        /// The interval and the number of attempts to get memory before a request is refused.
        private static let memoryRetry = (interval: TimeAmount.milliseconds(20), countMax: 50)
        /// The time for which a client may continue to send after the last answer.
        private static let lingering = TimeAmount.seconds(1)

        /// Creates the handler of a connection.
        ///
        /// - Parameters:
        ///   - endpoint: The rules and limits of requests.
        ///   - date: The date of answers.
        ///   - gate: The handler before the HTTP parser.
        ///   - responder: The function that answers requests; `nil` is the endpoint.
        init(
            _ endpoint: Endpoint, _ date: HTTPDate, _ gate: InputGate,
            _ responder: Responder? = nil
        ) {
            (self.endpoint, self.date, self.gate) = (endpoint, date, gate)
            self.responder = responder
            timeout = TimeAmount(endpoint.timeout)
        }

        // MARK: The connection

        func handlerAdded(context: ChannelHandlerContext) {
            self.context = context
            if context.channel.isActive { begin(context) }
        }

        func channelActive(context: ChannelHandlerContext) {
            begin(context)
            context.fireChannelActive()
        }

        private func begin(_ context: ChannelHandlerContext) {
            guard timer == nil else { return }
            localAddress = context.localAddress?.ipAddress
            executor = EventLoopExecutor(context.eventLoop)
            extendDeadline(context)
            schedule(at: deadline, context)
        }

        func channelInactive(context: ChannelHandlerContext) {
            if case .answering(let clock, _) = state { clock.abandon() }
            end()
            context.fireChannelInactive()
        }

        func handlerRemoved(context: ChannelHandlerContext) { end() }

        private func end() {
            (state, context) = (.closing, nil)
            timer?.cancel()
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            switch (state, error) {
            case (.idle, let failure as HTTPParserError),
                (.receiving, let failure as HTTPParserError):
                refuse(.malformed(failure), context)
            default: context.close(promise: nil)
            }
        }

        func channelWritabilityChanged(context: ChannelHandlerContext) {
            if case .writing = state, context.channel.isWritable { goOnInNextTurn(context) }
            context.fireChannelWritabilityChanged()
        }

        func read(context: ChannelHandlerContext) {
            if isHeld { hasHeldRead = true } else { context.read() }
        }

        // MARK: Deadlines

        private func extendDeadline(_ context: ChannelHandlerContext) {
            deadline = context.eventLoop.now + timeout
        }

        /// Checks the deadline at an instant.
        ///
        /// One timer serves all requests of a connection, since deadlines only move later.
        private func schedule(at instant: NIODeadline, _ context: ChannelHandlerContext) {
            let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
            timer = context.eventLoop.scheduleTask(deadline: instant) {
                handler.value.checkDeadline()
            }
        }

        private func checkDeadline() {
            guard let context else { return }
            if case .answering = state {
                // The request has its own clock.
                return schedule(at: context.eventLoop.now + timeout, context)
            }
            guard context.eventLoop.now < deadline else { return context.close(promise: nil) }
            schedule(at: deadline, context)
        }

        // MARK: Requests

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): begin(head, context)
            case .body(let part): receive(part, context)
            case .end: receiveEnd(context)
            }
        }

        func channelReadComplete(context: ChannelHandlerContext) {
            hasBegunRequest = false
            context.fireChannelReadComplete()
        }

        private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
            guard case .idle = state else { return }
            extendDeadline(context)
            do throws(RequestRefusal) {
                let accepted = try endpoint.rules.accept(head, localAddress: localAddress)
                let signer = try signer(of: accepted)
                state = .receiving(
                    IncomingRequest(accepted, signer, head.headers, endpoint.memory))
                if accepted.expectsContinue { writeContinue(context) }
            } catch {
                refuse(error, context, isHead: head.method == .HEAD)
            }
        }

        /// The claim of the access key, if the request must have one.
        ///
        /// - Throws: The refusal of a request that does not claim it, before its body is read.
        private func signer(
            of accepted: AcceptedHead
        ) throws(RequestRefusal) -> AuthorizationHeader? {
            guard accepted.route == .operation, let credentials = endpoint.credentials else {
                return nil
            }
            do throws(RequestRefusal) {
                return try credentials.signer(accepted.authorization)
            } catch {
                throw error.readable(by: accepted.origin)
            }
        }

        private func writeContinue(_ context: ChannelHandlerContext) {
            let head = HTTPResponseHead(version: .http1_1, status: .continue)
            context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
        }

        private func receive(_ part: ByteBuffer, _ context: ChannelHandlerContext) {
            guard case .receiving(let request) = state else { return }
            do throws(RequestRefusal) {
                try request.append(part)
            } catch {
                return refuse(error, context)
            }
            if !isHeld, !request.reserve() { hold(context) }
        }

        private func receiveEnd(_ context: ChannelHandlerContext) {
            guard case .receiving(let request) = state else { return }
            request.isComplete = true
            if request.head.closes { gate.close() }
            if !isHeld { answer(request, context) }
        }

        /// Stops reading until there is memory for the bytes that were read.
        private func hold(_ context: ChannelHandlerContext) {
            isHeld = true
            retry(1, context)
        }

        private func retry(_ count: Int, _ context: ChannelHandlerContext) {
            let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
            context.eventLoop.scheduleTask(in: Self.memoryRetry.interval) {
                handler.value.reserveAgain(count)
            }
        }

        private func reserveAgain(_ count: Int) {
            guard let context, case .receiving(let request) = state else { return }
            guard !request.reserve() else { return release(request, context) }
            guard count < Self.memoryRetry.countMax else {
                return refuse(.outOfMemory, context)
            }
            retry(count + 1, context)
        }

        /// Continues a request that has its memory.
        private func release(_ request: IncomingRequest, _ context: ChannelHandlerContext) {
            readOn(context)
            if request.isComplete { answer(request, context) }
        }

        /// Resumes reading, and performs a read that was held back.
        private func readOn(_ context: ChannelHandlerContext) {
            isHeld = false
            guard hasHeldRead else { return }
            hasHeldRead = false
            context.read()
        }

        // MARK: Answers

        private func answer(_ request: IncomingRequest, _ context: ChannelHandlerContext) {
            switch request.head.route {
            case .health:
                write(.health(request.head.origin), closes: request.head.closes, context)
            case .nodes(let query):
                let answer = HTTPAnswer.nodes(endpoint.nodes, query, request.head.origin)
                write(answer, closes: request.head.closes, context)
            case .preflight:
                let answer = request.head.preflight?.answer ?? .health(nil)
                write(answer, closes: request.head.closes, context)
            case .operation: start(request, context)
            }
        }

        private func start(_ request: IncomingRequest, _ context: ChannelHandlerContext) {
            let clock = RequestClock(endpoint.timeout)
            state = .answering(clock, closes: request.head.closes)
            let received = request.received
            switch begin(received, clock) {
            case .done(let answer): finish(answer)
            case .pending(let rest): perform(rest, context)
            }
        }

        /// Begins a request in place, at most one in a turn of reading.
        ///
        /// A client that sends many requests at once therefore does not hold up other connections
        /// of the event loop.
        private func begin(_ request: ReceivedRequest, _ clock: RequestClock) -> BegunAnswer {
            if let responder { return .pending { await responder(request, clock) } }
            guard !hasBegunRequest else {
                return .pending { [endpoint] in await endpoint.answer(request, clock) }
            }
            hasBegunRequest = true
            return endpoint.begin(request, clock)
        }

        /// Performs the work that is left for a request, in a task on the event loop.
        private func perform(
            _ rest: @escaping @Sendable () async -> HTTPAnswer, _ context: ChannelHandlerContext
        ) {
            let eventLoop = context.eventLoop
            let handler = NIOLoopBound(self, eventLoop: eventLoop)
            Task(executorPreference: executor) {
                let answer = await rest()
                if eventLoop.inEventLoop {
                    handler.value.finish(answer)
                } else {
                    eventLoop.execute { handler.value.finish(answer) }
                }
            }
        }

        private func finish(_ answer: HTTPAnswer) {
            guard let context, case .answering(_, let closes) = state else { return }
            write(answer, closes: closes, context)
        }

        /// Refuses a request, and all requests after it.
        private func refuse(
            _ refusal: RequestRefusal, _ context: ChannelHandlerContext, isHead: Bool = false
        ) {
            gate.close()
            var refusal = refusal
            if case .receiving(let request) = state {
                refusal = refusal.readable(by: request.head.origin)
            }
            write(HTTPAnswer(refusal, isHead: isHead), closes: true, context)
            readOn(context)
        }

        private func write(
            _ answer: HTTPAnswer, closes: Bool, _ context: ChannelHandlerContext
        ) {
            state = .writing(OutgoingAnswer(answer, closes: closes))
            if !isTurnOver { turnPortionCount = 0 }
            extendDeadline(context)
            write(context)
        }

        /// Writes portions of the answer that the client takes, up to the limit of a turn.
        ///
        /// Other connections of the event loop can then run.
        private func write(_ context: ChannelHandlerContext) {
            guard !isTurnOver, case .writing(let outgoing) = state, context.channel.isWritable
            else { return }
            if let head = outgoing.takeHead(date) {
                context.write(wrapOutboundOut(.head(head)), promise: nil)
            }
            while context.channel.isWritable, turnPortionCount < Self.turnPortionCountMax,
                let portion = outgoing.takePortion()
            {
                turnPortionCount += 1
                context.write(wrapOutboundOut(.body(.byteBuffer(portion))), promise: nil)
            }
            // The end has no bytes, so it waits neither for the client nor for a turn.
            if outgoing.isDone { return finish(outgoing, context) }
            if context.channel.isWritable { goOnInNextTurn(context) }
            context.flush()
        }

        /// Writes more of the answer when it is this connection's turn.
        private func goOnInNextTurn(_ context: ChannelHandlerContext) {
            guard !isTurnOver else { return }
            isTurnOver = true
            WriteTurns.of(context.eventLoop).enqueue { [self] in
                (isTurnOver, turnPortionCount) = (false, 0)
                if let context = self.context { write(context) }
            }
        }

        private func finish(_ outgoing: OutgoingAnswer, _ context: ChannelHandlerContext) {
            state = outgoing.closes ? .closing : .idle
            extendDeadline(context)
            guard outgoing.closes else {
                // The client's next request may arrive during this call.
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
                return
            }
            let (channel, eventLoop) = (context.channel, context.eventLoop)
            let taken = eventLoop.makePromise(of: Void.self)
            taken.futureResult.whenComplete { _ in
                // A client that is still sending would lose the answer if both directions were
                // closed at once.
                channel.close(mode: .output, promise: nil)
                eventLoop.scheduleTask(in: Self.lingering) { channel.close(promise: nil) }
            }
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: taken)
        }
    }

    /// A request that is arriving.
    private final class IncomingRequest {
        let head: AcceptedHead
        var isComplete = false
        private let signer: AuthorizationHeader?
        private let headers: HTTPHeaders
        private var body: RequestBody
        private let memory: MemoryReservation
        /// The bytes that arrived and are not reserved yet.
        private var unreservedByteCount = 0

        init(
            _ head: AcceptedHead, _ signer: AuthorizationHeader?, _ headers: HTTPHeaders,
            _ memory: MemoryBudget
        ) {
            (self.head, self.signer) = (head, signer)
            self.headers = signer == nil ? [:] : headers
            self.memory = MemoryReservation(memory)
            body = RequestBody(byteCount: head.byteCount, isHashed: signer != nil)
        }

        func append(_ part: ByteBuffer) throws(RequestRefusal) {
            try body.append(part)
            unreservedByteCount += part.readableBytes
        }

        /// Reserves memory for the bytes that arrived; `false` if there is none.
        func reserve() -> Bool {
            guard memory.grow(by: unreservedByteCount) else { return false }
            unreservedByteCount = 0
            return true
        }

        var received: ReceivedRequest {
            ReceivedRequest(head, signer, headers, body: body, memory: memory)
        }
    }

    extension RequestRefusal {
        /// The refusal for an error of the HTTP parser.
        fileprivate static func malformed(_ failure: HTTPParserError) -> RequestRefusal {
            switch failure {
            case .headerOverflow: headTooLarge
            default: malformed("The request is not sound HTTP.")
            }
        }
    }
#endif
