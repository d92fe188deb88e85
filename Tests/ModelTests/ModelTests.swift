import CodexCore
import CodexStore
import Foundation
import PlantedFaults
import TestSupport
import Testing

/// Random operations of every kind, on tables and indexes, against the oracle.
///
/// `CODEX_MODEL_SEED` runs one seed, `CODEX_MODEL_OPERATIONS` more or fewer operations a seed.
/// `CODEX_LONG=1` runs three times as many operations.
@Suite("Engine against oracle")
struct ModelTests {
    static let seeds: [UInt64] = {
        let environment = ProcessInfo.processInfo.environment
        if environment["CODEX_MODEL_SEED"] == "random" { return [.random(in: .min ... .max)] }
        if let seed = environment["CODEX_MODEL_SEED"].flatMap({ UInt64($0) }) { return [seed] }
        return [1, 2, 3, 4]
    }()
    static let operations =
        ProcessInfo.processInfo.environment["CODEX_MODEL_OPERATIONS"].flatMap { Int($0) }
        ?? TestLength.count(9_000, long: 27_000)

    @Test("Every answer equals the oracle's, and verify finds nothing", arguments: seeds)
    func equalsOracle(seed: UInt64) async throws {
        let run = try ModelRun(seed: seed)
        do {
            try await run.run(operations: Self.operations)
        } catch {
            Issue.record("seed \(seed), after \(run.operationCount) operations: \(error)")
        }
        print(
            "model: seed \(seed), \(run.operationCount) operations, \(run.batchCount) verified batches"
        )
        #expect(run.operationCount >= Self.operations)
    }

    @Test("A planted fault is caught", arguments: PlantedFault.maintenance)
    func catchesFault(fault: PlantedFault) async throws {
        try await expectCaught(fault, nil)
    }

    @Test(
        "A planted fault is caught if all indexes have references",
        arguments: [PlantedFault.skippedDelete, .staleReference, .missedMove])
    func catchesFaultOfReferences(fault: PlantedFault) async throws {
        try await expectCaught(fault, .references)
    }

    @Test(
        "A planted fault is caught if all indexes that can have them have copies",
        arguments: [PlantedFault.skippedDelete, .staleProjection, .missedMove])
    func catchesFaultOfCopies(fault: PlantedFault) async throws {
        try await expectCaught(fault, .copies)
    }

    private func expectCaught(_ fault: PlantedFault, _ layout: IndexLayout?) async throws {
        let run = try ModelRun(seed: 1, fault: fault, layout: layout)
        await #expect(throws: Difference.self, "seed 1, fault \(fault)") {
            try await run.run(operations: 2_000)
        }
    }
}
