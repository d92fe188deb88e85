internal import CodexCore

/// The outcome of a command whose closure changes an entity.
///
/// It is stored with the entity before the change. So a repetition can run its own closure on the
/// same entity, and see whether it is the same closure. The present entity would not do: the first
/// command has changed it. Nor would an empty one: a closure may rely on what the entity has.
struct ChangeOutcome<E: Entity & CommandOutcome>: CommandOutcome {
    typealias Body = @Sendable (inout E) throws -> Void

    /// The entity after the change.
    let entity: E
    /// What the entity was made from; `nil` if the outcome was stored by an earlier command.
    private var origin: (before: E, body: Body)?
    /// The entity before the change of an earlier command, and what its closure made of it.
    private var known: (before: E, effect: String)?

    /// Creates the outcome of a change.
    init(_ entity: E, from before: E, by body: @escaping Body) {
        self.entity = entity
        origin = (before, body)
    }

    private init(restored entity: E, _ known: (before: E, effect: String)?) {
        self.entity = entity
        self.known = known
    }

    /// What a closure makes of an entity, in short.
    private static func effect(of body: Body, on entity: E) -> String {
        let effect = CommandCall.effect(of: body, on: entity)
        return SHA256.hexadecimal(DynamoDBJSON.text(["effect": effect]))
    }

    /// Throws if an earlier command with the idempotency key had a closure that did something else.
    ///
    /// - Throws: ``CodexError/Code/idempotencyMismatch``.
    func requireSame(_ body: Body) throws(CodexError) {
        guard let known else { return }
        guard Self.effect(of: body, on: known.before) == known.effect else {
            throw CommandUse.mismatch
        }
    }

    func stored(within byteCount: Int) throws -> AttributeValue? {
        guard let origin, var map = try entity.stored(within: byteCount)?.map else {
            return try entity.stored(within: byteCount)
        }
        let before = try origin.before.item()
        // Without room for both, closures are not compared.
        let isDeep = before.contains { $0.value.isNested(over: CommandUse.levelCountMax) }
        if !isDeep, AttributeValue.map(map).byteCount + before.byteCount <= byteCount {
            map["before"] = .map(before)
            // The entity is read as a repetition reads it.
            let read = try E(item: before)
            map["effect"] = .string(Self.effect(of: origin.body, on: read))
        }
        return .map(map)
    }

    static func restored(
        _ value: AttributeValue?, _ context: CodexFlow.DecisionContext
    ) throws -> Self {
        let entity = try E.restored(value, context)
        guard let map = value?.map, let before = map["before"]?.map,
            let effect = map["effect"]?.string
        else { return Self(restored: entity, nil) }
        return Self(restored: entity, (try E(item: before), effect))
    }
}
