import Codex
import HTTPTypes
import Hummingbird

/// The state of a request while it is handled.
public struct RequestState: RequestContext {
    /// Hummingbird's own storage.
    public var coreContext: CoreRequestContextStorage
    /// The requesting user; `nil` before the session was checked.
    var user: CodexFlow.User.ID?

    /// Creates the state of a new request.
    public init(source: Source) { coreContext = .init(source: source) }

    /// Returns the requesting user.
    func requireUser() throws -> CodexFlow.User.ID {
        guard let user else { throw Failure(.unauthorized, "unauthorized", "Log in.") }
        return user
    }
}
