import CodexCore
import CodexStore
import CrashSupport
import Foundation
import TestSupport

/// Stores of earlier formats that processes bring to the present one, some of which are killed
/// meanwhile.
final class FormatUpgrades {
    /// Of `Tests/CodexStoreTests/Fixtures`.
    static let fixtures = [
        "format1", "format2/store", "format3/store", "format3/unclosed", "format4/store",
        "format4/unclosed",
    ]
    private static let killCountMax = 3

    private let directory: String
    private var agent: UpgradeAgent?
    private var killsLeft = FormatUpgrades.killCountMax
    private(set) var doneCount = 0
    private(set) var killCount = 0

    init(directory: String) { self.directory = directory }

    /// Whether each fixture was upgraded.
    var isComplete: Bool { doneCount >= Self.fixtures.count }

    private var fixture: String { Self.fixtures[doneCount % Self.fixtures.count] }
    private var path: String { "\(directory)/upgraded-\(doneCount)" }

    /// Begins an upgrade, kills its process and begins again, or looks at what it has done.
    func step(_ random: inout SplitMix) throws {
        guard let agent else { return try begin() }
        let hasEnded = agent.hasEnded
        agent.drain()
        if hasEnded {
            guard agent.isDone else {
                throw CrashFinding(description: "the upgrade of \(fixture) failed")
            }
            try finish()
        } else if killsLeft > 0, random.chance(30) {
            agent.kill()
            killsLeft -= 1
            killCount += 1
            self.agent = try UpgradeAgent(path)
        }
    }

    private func begin() throws {
        let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("CodexStoreTests/Fixtures")
        try FileManager.default.copyItem(
            atPath: fixtures.appendingPathComponent(fixture).path, toPath: path)
        killsLeft = Self.killCountMax
        agent = try UpgradeAgent(path)
    }

    /// Sees that it is a sound store of the present format.
    private func finish() throws {
        agent = nil
        // A store of an earlier format is not opened for reading.
        try Store(at: path, options: StoreOptions(isReadOnly: true)).close()
        let store = try Store(at: path)
        let report = try store.verify()
        store.close()
        guard report.isSound, report.itemCount > 0 else {
            throw CrashFinding(description: "\(fixture): \(report.differences.prefix(3))")
        }
        try FileManager.default.removeItem(atPath: path)
        doneCount += 1
    }
}

/// A process that upgrades a store.
private final class UpgradeAgent: SteeredAgent {
    private let lines: LinePipe
    /// Whether it said that it has closed the store.
    private(set) var isDone = false

    init(_ path: String) throws {
        let output = Pipe()
        lines = LinePipe(output)
        try super.init(["upgrade", path], output: output)
    }

    /// Takes what it has printed until now.
    func drain() {
        if lines.available().contains("done") { isDone = true }
    }
}
