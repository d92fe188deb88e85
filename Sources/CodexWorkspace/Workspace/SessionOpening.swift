internal import CodexCore

/// The outcome of a command that opens a session.
///
/// A repetition with the idempotency key must give the token again, which is a secret. The stored
/// outcome therefore has the token's bytes, masked by a hash of the idempotency key and of the
/// session's identifier. A store has neither the key nor the token, but their hashes alone. So only
/// a client that has the key can take the mask off.
struct SessionOpening: CommandOutcome {
    /// The session as it is stored.
    let session: CodexFlow.Session
    private let masked: [UInt8]

    private init(_ session: CodexFlow.Session, masked: [UInt8]) {
        (self.session, self.masked) = (session, masked)
    }

    /// Creates the outcome of a session that is opened.
    ///
    /// - Parameters:
    ///   - session: The session, which has the identifier of its token.
    ///   - secret: The bytes of the token.
    ///   - key: The idempotency key; empty if there is none.
    /// - Throws: The errors of items.
    init(_ session: CodexFlow.Session, secret: [UInt8], under key: String) throws(CodexError) {
        // A repetition reads the session, whose end is stored in whole seconds.
        self.session = try CodexFlow.Session(item: try session.item())
        masked = Self.masked(secret, of: session.id, under: key)
    }

    /// Masks the bytes of a token, or takes the mask off.
    ///
    /// The identifier of the session makes the mask of each token another one, also if a key is
    /// used again later.
    private static func masked(
        _ bytes: [UInt8], of session: CodexFlow.Session.ID, under key: String
    ) -> [UInt8] {
        let mask = SHA256.digest("codexflow session\u{0}\(session)\u{0}\(key)".utf8)
        return zip(bytes, mask).map { $0 ^ $1 }
    }

    /// The token of the session.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if the stored outcome was changed.
    func token(under key: String) throws(CodexError) -> String {
        let token = Base64.encodeURL(Self.masked(masked, of: session.id, under: key))
        guard try CodexFlow.Session.ID(token: token) == session.id else { throw Self.damaged }
        return token
    }

    func stored(within byteCount: Int) throws -> AttributeValue? {
        AttributeValue.map(["session": .map(try session.item()), "token": .binary(masked)])
    }

    static func restored(
        _ value: AttributeValue?, _ context: CodexFlow.DecisionContext
    ) throws -> Self {
        guard let map = value?.map, let item = map["session"]?.map,
            case .binary(let masked)? = map["token"]
        else { throw damaged }
        return Self(try CodexFlow.Session(item: item), masked: masked)
    }
}
