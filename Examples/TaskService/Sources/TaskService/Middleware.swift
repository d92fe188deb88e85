import Codex
import HTTPTypes
import Hummingbird

/// Answers errors in the envelope.
struct ErrorMiddleware: RouterMiddleware {
    func handle(
        _ request: Request, context: RequestState,
        next: (Request, RequestState) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            let failure = Failure(error)
            if failure.status.kind == .serverError {
                // An error's description contains no user data.
                context.logger.error("request failed", metadata: ["error": "\(error)"])
            }
            return Envelope.response(failure, context)
        }
    }
}

/// Admits only requests with a session.
struct SessionMiddleware: RouterMiddleware {
    let workspace: CodexFlow.Workspace

    func handle(
        _ request: Request, context: RequestState,
        next: (Request, RequestState) async throws -> Response
    ) async throws -> Response {
        var context = context
        let token = try Self.token(of: request)
        context.user = try await workspace.requireSession(token: token).userID
        return try await next(request, context)
    }

    static func token(of request: Request) throws -> String {
        guard let header = request.headers[.authorization], header.hasPrefix("Bearer ") else {
            throw Failure(
                .unauthorized, "unauthorized", "Send Authorization: Bearer and a session's token.",
                headers: [.wwwAuthenticate: "Bearer"])
        }
        return String(header.dropFirst("Bearer ".count))
    }
}

extension CodexError {
    /// Whether the error concerns only writes.
    fileprivate var isOfWriting: Bool {
        [.diskFull, .writesRefused, .outcomeUnknown, .queueFull, .readOnly].contains(code)
    }
}

/// Refuses the requests of a user beyond the limit.
struct RateLimitMiddleware: RouterMiddleware {
    let counter: any RequestCounter
    private static let limitName = HTTPField.Name("X-RateLimit-Limit")
    private static let remainingName = HTTPField.Name("X-RateLimit-Remaining")

    func handle(
        _ request: Request, context: RequestState,
        next: (Request, RequestState) async throws -> Response
    ) async throws -> Response {
        let user = try context.requireUser()
        let verdict: RequestVerdict
        do {
            verdict = try await counter.verdict(for: user)
        } catch let error as CodexError where request.method == .get && error.isOfWriting {
            // The counter writes its counts. If the store takes no writes, reads continue
            // uncounted.
            return try await next(request, context)
        }
        guard verdict.isAllowed else {
            let seconds = max(1, verdict.secondsToWait)
            throw Failure(
                .tooManyRequests, "rateLimited",
                "There are \(verdict.limit) requests a minute. Try again in \(seconds) seconds.",
                headers: [.retryAfter: "\(seconds)"])
        }
        var response = try await next(request, context)
        if let name = Self.limitName { response.headers[name] = "\(verdict.limit)" }
        if let name = Self.remainingName {
            response.headers[name] = verdict.remaining.map { "\($0)" }
        }
        return response
    }
}
