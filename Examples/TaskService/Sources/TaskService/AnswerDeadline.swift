import CodexRemote
import Hummingbird

/// The time until which a request of a user may ask a remote table.
///
/// One request of a user makes several requests of the table, and each has a time limit of its own.
/// This is the limit of all of them.
enum AnswerDeadline {
    @TaskLocal static var current: ContinuousClock.Instant?
}

/// Sets the deadline of each request.
struct DeadlineMiddleware: RouterMiddleware {
    let timeout: Duration

    func handle(
        _ request: Request, context: RequestState,
        next: (Request, RequestState) async throws -> Response
    ) async throws -> Response {
        try await AnswerDeadline.$current.withValue(ContinuousClock.now + timeout) {
            try await next(request, context)
        }
    }
}

/// Sends requests to a remote table until the deadline of the request that they are for.
struct DeadlineTransport: HTTPTransport {
    let base: any HTTPTransport

    func send(_ request: TransportRequest) async throws -> TransportResponse {
        guard let deadline = AnswerDeadline.current else { return try await base.send(request) }
        let left = ContinuousClock.now.duration(to: deadline)
        guard left > .zero else { throw TransportFailure(.notSent) }
        var request = request
        request.timeout = min(request.timeout, left)
        return try await base.send(request)
    }

    func close() async { await base.close() }
}
