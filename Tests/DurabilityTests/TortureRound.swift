import CrashSupport
import Foundation
import TestSupport
import Testing

/// Some seconds of a store's life, in which everything goes wrong that can.
final class TortureRound {
    private let field: TortureField
    private var random: SplitMix
    private var agents: [TortureAgent] = []
    private var trouble: TortureTrouble?
    private var ballast: Ballast?
    private(set) var counts: [String: Int] = [:]

    init(_ field: TortureField, seed: UInt64) {
        self.field = field
        random = SplitMix(seed: seed)
    }

    /// Lets one to four processes work, one of which may follow, and leaves none.
    func run() async throws {
        let workerCount = 1 + random.below(3)
        for writer in 0..<workerCount { agents.append(try start(writer)) }
        // Where none follows, a worker may have the store for itself, and compact it.
        let follower = random.chance(70) ? try Agent("follow", field.follower, field.live) : nil
        defer {
            follower?.kill()
            for agent in agents { agent.kill() }
        }
        let end = ContinuousClock.now + .milliseconds(1500 + random.below(2500))
        while ContinuousClock.now < end {
            // The moments are what is tried here.
            try await Task.sleep(for: .milliseconds(10 + random.below(150)))
            try makeTrouble()
            try replaceDead()
        }
        try waitUntilIdle()
        try await endAgents()
    }

    private func start(_ writer: Int) throws -> TortureAgent {
        try TortureAgent(
            field.live, directory: field.directory, writer: writer, seed: random.next())
    }

    private func note(_ what: String) { counts[what, default: 0] += 1 }

    // MARK: Troubles

    private func makeTrouble() throws {
        switch random.below(10) {
        case 0, 1: try killOne()
        case 2: random.pick(agents).freeze()
        case 3, 4: for agent in agents { agent.resume() }
        case 5, 6: try fillDisk()
        case 7, 8: try changeDirectory()
        default: break
        }
    }

    private func killOne() throws {
        let place = random.below(agents.count)
        agents[place].kill()
        agents[place].drain(&field.ledger)
        agents[place] = try start(agents[place].writer)
        note("kills")
    }

    /// Takes the rest of the disk, or gives it back.
    private func fillDisk() throws {
        guard let disk = field.disk else { return }
        if let ballast {
            ballast.remove()
            self.ballast = nil
        } else {
            ballast = try Ballast(on: disk.path, leaving: random.below(3) << 20)
            note("full disks")
        }
    }

    private func changeDirectory() throws {
        // This process opens the store, too: a frozen one may have a lock.
        for agent in agents { agent.resume() }
        if let trouble {
            try trouble.undo()
            self.trouble = nil
        } else {
            trouble = try TortureTrouble.random(field, &random)
            if trouble != nil { note("moves and replacements") }
        }
    }

    private func waitUntilIdle() throws {
        for agent in agents { agent.resume() }
        ballast?.remove()
        ballast = nil
        try trouble?.undo()
        trouble = nil
    }

    // MARK: Workers

    /// Takes what workers say, and starts those again that died; nothing explains that.
    private func replaceDead() throws {
        for (place, agent) in agents.enumerated() {
            let hasEnded = agent.hasEnded
            agent.drain(&field.ledger)
            guard hasEnded else { continue }
            complain(agent)
            agents[place] = try start(agent.writer)
        }
    }

    private func complain(_ agent: TortureAgent) {
        Issue.record("worker \(agent.writer) ended: \(agent.complaint ?? "crashed")")
    }

    /// Kills them, or lets them close the store.
    private func endAgents() async throws {
        let kills = random.chance(50)
        for agent in agents {
            if kills { agent.kill() } else { agent.tellToEnd() }
        }
        let deadline = ContinuousClock.now + Hang.limit
        while agents.contains(where: { !$0.hasEnded }), ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(20))
            for agent in agents { agent.drain(&field.ledger) }
        }
        for agent in agents {
            agent.drain(&field.ledger)
            if !kills, !agent.isDone { complain(agent) }
        }
    }
}
