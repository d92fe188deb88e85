import Codex
import HTTPTypes
import Hummingbird

/// What a request has with it on its way.
public struct RequestState: RequestContext {
    /// Hummingbird's own.
    public var coreContext: CoreRequestContextStorage
    /// Who asks; `nil` before the session was looked at.
    var user: CodexFlow.User.ID?

    /// Begins a request.
    public init(source: Source) { coreContext = .init(source: source) }

    /// Who asks.
    func requireUser() throws -> CodexFlow.User.ID {
        guard let user else { throw Failure(.unauthorized, "unauthorized", "Log in.") }
        return user
    }
}
