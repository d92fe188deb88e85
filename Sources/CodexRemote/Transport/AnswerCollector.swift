#if Remote
    internal import AsyncHTTPClient
    internal import CodexCore
    internal import NIOCore
    internal import NIOHTTP1
    internal import Synchronization

    /// Collects one answer on an event loop, so that the task that waits is resumed once.
    ///
    /// The deadline of the request is that of the whole answer.
    final class AnswerCollector: HTTPClientResponseDelegate {
        private struct State {
            var response = TransportResponse(status: 0)
            /// The most bytes of the body.
            var byteCountMax: Int
            /// What waits for room for the body.
            var waiting: Task<Void, Never>?
            var isCancelled = false
        }

        private let room: ResponseRoom?
        private let deadline: NIODeadline
        private let state: Mutex<State>

        /// Creates a collector.
        ///
        /// - Parameters:
        ///   - byteCountMax: The most bytes that the body may have.
        ///   - room: What the body takes of the memory of all answers.
        ///   - deadline: The end of the request.
        init(byteCountMax: Int, room: ResponseRoom?, deadline: NIODeadline) {
            (self.room, self.deadline) = (room, deadline)
            state = Mutex(State(byteCountMax: byteCountMax))
        }

        /// Ends the waiting for room.
        func cancel() {
            state.withLock { state in
                state.isCancelled = true
                state.waiting?.cancel()
            }
        }

        func didReceiveHead(
            task: HTTPClient.Task<TransportResponse>, _ head: HTTPResponseHead
        ) -> EventLoopFuture<Void> {
            let length = head.headers.first(name: "content-length").flatMap { Int($0) } ?? -1
            let byteCount = state.withLock { state -> Int? in
                guard length <= state.byteCountMax else { return nil }
                if length >= 0 { state.byteCountMax = length }
                state.response.status = Int(head.status.code)
                state.response.headers = head.headers.map { (name: $0.name, value: $0.value) }
                return state.byteCountMax
            }
            guard let byteCount else {
                return task.eventLoop.makeFailedFuture(TransportFailure(.responseTooLarge))
            }
            guard let room, !room.reserveNow(byteCount) else {
                return task.eventLoop.makeSucceededVoidFuture()
            }
            return wait(for: byteCount, of: room, on: task.eventLoop)
        }

        func didReceiveBodyPart(
            task: HTTPClient.Task<TransportResponse>, _ buffer: ByteBuffer
        ) -> EventLoopFuture<Void> {
            let fits = state.withLock { state in
                guard buffer.readableBytes <= state.byteCountMax - state.response.body.count else {
                    return false
                }
                state.response.body.append(contentsOf: buffer.readableBytesView)
                return true
            }
            return fits
                ? task.eventLoop.makeSucceededVoidFuture()
                : task.eventLoop.makeFailedFuture(TransportFailure(.responseTooLarge))
        }

        func didFinishRequest(
            task: HTTPClient.Task<TransportResponse>
        ) throws -> TransportResponse {
            state.withLock { $0.response }
        }

        func didReceiveError(task: HTTPClient.Task<TransportResponse>, _ error: any Error) {
            cancel()
        }

        /// Waits for room; the connection reads no body meanwhile.
        private func wait(
            for byteCount: Int, of room: ResponseRoom, on loop: any EventLoop
        ) -> EventLoopFuture<Void> {
            let promise = loop.makePromise(of: Void.self)
            let left = deadline - NIODeadline.now()
            let waiting = Task {
                do {
                    try await room.reserve(byteCount, within: .nanoseconds(left.nanoseconds))
                    promise.succeed()
                } catch {
                    promise.fail(error)
                }
            }
            state.withLock { state in
                state.waiting = waiting
                if state.isCancelled { waiting.cancel() }
            }
            return promise.futureResult
        }
    }
#endif
