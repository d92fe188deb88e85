import CodexCore
import TestSupport

/// Lets one call of several clients through at a time, in an order from a seed.
///
/// A client that is let through runs until its next call, or until it is done. So each call is a
/// point at which any other client may come between.
actor Turns {
    private struct Call {
        let client: Int
        let go: CheckedContinuation<Void, Never>
    }

    private var random: SplitMix
    private var waiting: [Call] = []
    /// The clients that run.
    private var running: Set<Int>

    init(seed: UInt64, clientCount: Int) {
        random = SplitMix(seed: seed)
        running = Set(0..<clientCount)
    }

    /// Waits until it is the client's turn.
    func arrive(_ client: Int) async {
        await withCheckedContinuation { (go: CheckedContinuation<Void, Never>) in
            waiting.append(Call(client: client, go: go))
            running.remove(client)
            letNextGo()
        }
    }

    /// Says that a client is done.
    func leave(_ client: Int) {
        running.remove(client)
        letNextGo()
    }

    private func letNextGo() {
        guard running.isEmpty, !waiting.isEmpty else { return }
        waiting.sort { $0.client < $1.client }
        let call = waiting.remove(at: random.below(waiting.count))
        running.insert(call.client)
        call.go.resume()
    }
}

/// A table that a client reaches when it is its turn.
final class TurnTable: TableBackend {
    private let base: any TableBackend
    private let turns: Turns
    private let client: Int

    var capabilities: TableCapabilities { base.capabilities }

    init(_ base: any TableBackend, _ turns: Turns, client: Int) {
        (self.base, self.turns, self.client) = (base, turns, client)
    }

    func item(
        in table: String, key: PrimaryKey, consistency: ReadConsistency
    ) async throws -> Item? {
        await turns.arrive(client)
        return try await base.item(in: table, key: key, consistency: consistency)
    }

    func items(
        in table: String, keys: [PrimaryKey], consistency: ReadConsistency
    ) async throws -> [Item?] {
        await turns.arrive(client)
        return try await base.items(in: table, keys: keys, consistency: consistency)
    }

    func items(
        matching query: TableQuery, limits: PageLimits, after token: PageToken?,
        consistency: ReadConsistency
    ) async throws -> Page<Item> {
        await turns.arrive(client)
        return try await base.items(
            matching: query, limits: limits, after: token, consistency: consistency)
    }

    func items(
        scanning table: String, limits: PageLimits, after token: PageToken?,
        consistency: ReadConsistency
    ) async throws -> Page<Item> {
        await turns.arrive(client)
        return try await base.items(
            scanning: table, limits: limits, after: token, consistency: consistency)
    }

    func perform(_ action: WriteAction, returning: ReturnValues) async throws -> Item? {
        await turns.arrive(client)
        return try await base.perform(action, returning: returning)
    }

    func transact(_ actions: [WriteAction], idempotencyToken token: String?) async throws {
        await turns.arrive(client)
        try await base.transact(actions, idempotencyToken: token)
    }
}
