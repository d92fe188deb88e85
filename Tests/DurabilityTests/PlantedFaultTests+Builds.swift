import CodexCore
import CodexStore
import CodexTesting
import Foundation
import PlantedFaults
import Synchronization
import TestSupport
import Testing

/// What a test does before the first step of a build.
private final class Interruption: Sendable {
    private let body = Mutex<(@Sendable () -> Void)?>(nil)

    func set(_ new: @escaping @Sendable () -> Void) { body.withLock { $0 = new } }

    /// Does it, once.
    func run() {
        let now = body.withLock { body -> (@Sendable () -> Void)? in
            defer { body = nil }
            return body
        }
        now?()
    }
}

extension PlantedFaultTests {
    private static func item(_ number: Int, group: String) -> Item {
        ["p": .string("p\(number)"), "s": .string("s"), "g": .string(group)]
    }

    /// A store with items from before its index.
    private func opened(
        by builds: BuildsOnDemand, _ fault: PlantedFault?
    ) async throws -> TemporaryStore {
        var options = StoreOptions()
        options.checkpoints.interval = .seconds(3600)
        options.parts.builds = builds
        if let fault { options.plant(fault) }
        let temporary = try TemporaryStore(schema: AgentTable.schema(), options: options)
        try await temporary.store.write { transaction in
            for number in 0..<9 {
                try transaction.put(Self.item(number, group: "old"), in: "t")
            }
        }
        try await temporary.store.addIndex(AgentTable.byG, to: "t")
        return temporary
    }

    @Test(
        "A build that adds what it read before leaves entries of earlier states",
        arguments: [nil, PlantedFault.staleBuild])
    func staleBuild(fault: PlantedFault?) async throws {
        let interruption = Interruption()
        let builds = BuildsOnDemand { interruption.run() }
        let temporary = try await opened(by: builds, fault)
        let store = temporary.store
        interruption.set {
            // It comes after the build has read the items.
            try? store.write { (transaction: inout WriteTransaction) throws -> Void in
                try transaction.put(Self.item(3, group: "new"), in: "t")
            }
        }
        while try store.build() == .more {}
        #expect(try store.verify().isSound == (fault == nil))
    }

    @Test(
        "Without the checkpoint at the end of a build, a recovery lacks what it added",
        arguments: [nil, PlantedFault.noBuildCheckpoint])
    func buildCheckpoint(fault: PlantedFault?) async throws {
        let temporary = try await opened(by: BuildsOnDemand(), fault)
        while try temporary.store.build() == .more {}
        // The copy is what a killed process would leave.
        let copy = temporary.path + "-copy"
        try FileManager.default.copyItem(atPath: temporary.path, toPath: copy)
        let recovered = try Store(at: copy)
        defer { recovered.close() }
        #expect(try recovered.verify().isSound == (fault == nil))
    }
}
