import CodexCore
import CodexStore
import CodexTesting
import CrashSupport
import Foundation
import PlantedFaults
import TestSupport
import Testing

/// The promise: what was acknowledged is there after the power failed. The store is on a file system
/// of its own; its image is copied while the writers are stopped, and the copy is recovered.
@Suite("Power cuts", .serialized)
struct PowerCutTests {
    static let cutCount =
        ProcessInfo.processInfo.environment["CODEX_POWER_CUTS"].flatMap { Int($0) } ?? 20
    static let isRequired =
        ProcessInfo.processInfo.environment["CODEX_REQUIRE_POWER_CUTS"] == "1"

    @Test("They can be tried, where they must be")
    func possible() {
        #expect(LoopDisk.isPossible || !Self.isRequired)
    }

    /// Lets processes write, and cuts the power again and again.
    ///
    /// - Returns: In how many cuts something was wrong.
    private func cut(
        _ count: Int, _ fault: PlantedFault? = nil, untilFound: Bool = false
    ) throws -> (findings: Int, recycled: Int) {
        let disk = try LoopDisk()
        let path = disk.path + "/store"
        var store = CrashStore(path)
        var agents: [CrashAgent] = []
        var (findings, recycled) = (0, 0)
        let seed = UInt64.random(in: 1...1_000_000)
        defer {
            for agent in agents {
                agent.signal(SIGKILL)
                agent.waitForEnd()
            }
        }
        for number in 0..<count {
            if agents.isEmpty {
                // One process, or two.
                agents.append(
                    try CrashAgent(
                        path, writers: 0..<4, seed: seed + UInt64(number), fault: fault,
                        compactsEvery: fault == nil && number / 5 % 2 == 0 ? 100 : nil))
                #expect(agents[0].waitUntilBegun())
                if number / 5 % 2 == 1 {
                    agents.append(
                        try CrashAgent(
                            path, writers: 4..<8, seed: seed - UInt64(number), fault: fault))
                    #expect(agents[1].waitUntilBegun())
                }
            }
            // The moment of the cut is what is tried here.
            usleep(UInt32.random(in: 50_000...400_000))
            let kills = number % 5 == 4
            let isSound = try disk.withCut(flushed: number % 4 == 3) {
                for agent in agents {
                    agent.stop()
                    #expect(agent.isRunning, "cut \(number), seed \(seed)")
                    store.note(agent)
                }
            } resumed: {
                for agent in agents { agent.signal(kills ? SIGKILL : SIGCONT) }
            } _: { mount in
                let log = try? LogInspection(at: mount + "/store")
                if let last = log?.segments.last, last.number > 4 { recycled += 1 }
                return try store.isSound(mount + "/store")
            }
            if kills {
                for agent in agents { agent.waitForEnd() }
                agents = []
            }
            if !isSound {
                findings += 1
                if untilFound { break }
                Issue.record("cut \(number), seed \(seed)")
            }
        }
        return (findings, recycled)
    }

    @Test(
        "After a power cut everything acknowledged is there, and the checkpoint's state was whole")
    func cuts() throws {
        guard LoopDisk.isPossible else { return }
        let outcome = try cut(Self.cutCount)
        #expect(outcome.findings == 0)
        print("power cuts: \(Self.cutCount), \(outcome.recycled) of them with recycled segments")
        #expect(outcome.recycled > Self.cutCount / 3)
    }

    @Test(
        "The harness catches a log, and a data file, that are not flushed",
        arguments: [PlantedFault.noFlush, .noDataFlush])
    func catches(fault: PlantedFault) throws {
        guard LoopDisk.isPossible else { return }
        #expect(try cut(40, fault, untilFound: true).findings > 0)
    }
}
