import Foundation
import FuzzTargets
import Testing

/// The corpora of fuzzing are replayed, without libFuzzer.
@Suite("Corpora of fuzzing", .serialized)
struct FuzzCorpusTests {
    private static let corpus = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Fuzz/Corpus").path

    static let targets = FuzzTarget.all.map(\.name)

    private static func files(_ target: String) throws -> [String] {
        let folder = corpus + "/" + target
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map {
            folder + "/" + $0
        }
    }

    /// Checks inputs in a thread of their own: some of them wait for tasks.
    private static func check(_ target: FuzzTarget, _ inputs: [[UInt8]]) async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let thread = Thread {
                for input in inputs { target.check(input) }
                continuation.resume()
            }
            // The stack of the main thread, on which libFuzzer checks.
            thread.stackSize = 8 << 20
            thread.start()
        }
    }

    // A violated property ends the process. `codex-fuzz TARGET FOLDER` prints the file's name.
    @Test("Each file of a corpus passes its target", arguments: targets)
    func replay(name: String) async throws {
        let target = try #require(FuzzTarget.named(name))
        let files = try Self.files(name)
        #expect(!files.isEmpty)
        let inputs = try files.map { Array(try Data(contentsOf: URL(fileURLWithPath: $0))) }
        await Self.check(target, inputs)
    }

    @Test("Seeds, their halves and bytes at random pass their target", arguments: targets)
    func seeds(name: String) async throws {
        let target = try #require(FuzzTarget.named(name))
        let seeds = try target.seeds()
        #expect(!seeds.isEmpty)
        let halves = seeds.map { Array($0.prefix($0.count / 2)) }
        await Self.check(target, [[], [0], [255]] + seeds + halves)
    }

    @Test("Seeds are the same each time", arguments: targets)
    func repetition(name: String) throws {
        let target = try #require(FuzzTarget.named(name))
        #expect(try target.seeds() == target.seeds())
    }

    @Test("Each folder of the corpus is of a target, and corpora are small")
    func size() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Self.corpus)
        // Key files have a target in builds with encryption only.
        #expect(Set(folders).subtracting(["key-files"]).isSubset(of: Self.targets))
        var byteCount = 0
        var fileCount = 0
        for folder in folders {
            for file in try Self.files(folder) {
                byteCount += try Data(contentsOf: URL(fileURLWithPath: file)).count
                fileCount += 1
            }
        }
        #expect(fileCount <= 800)
        #expect(byteCount <= 1 << 20)
    }
}
