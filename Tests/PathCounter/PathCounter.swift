import CountedCalls
import Foundation
import MeasuredPaths

/// Takes one path a number of times, for callgrind to count its instructions
/// (`Scripts/count-instructions`), and prints how often it allocated; or all of them, with times.
@main
struct PathCounter {
    // Not asynchronous: the main thread would wait in a way that valgrind does not survive.
    static func main() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let arguments = CommandLine.arguments.dropFirst()
        switch arguments.first {
        case "list"?:
            for path in MeasuredPath.all where path.isCounted { print(path.title) }
        case "count"? where arguments.count == 2:
            guard let path = MeasuredPath.all.first(where: { $0.title == arguments.last! })
            else { exit(2) }
            try count(path)
        case "time"?:
            let part = arguments.count > 1 ? arguments.last! : ""
            for path in MeasuredPath.all where part.isEmpty || path.title.contains(part) {
                try waiting { try await time(path) }
            }
        default:
            print("usage: codex-counts list | count TITLE | time [PART-OF-A-TITLE]")
            exit(2)
        }
    }

    /// How often a path is taken before and while it is counted.
    private static let rounds = (warming: 20, counted: 20)

    private static let root = FileManager.default.temporaryDirectory
        .appendingPathComponent("codex-counts-\(getpid())").path

    /// A new folder. All of them stay until the end: a store that is still closing is known by its
    /// folder's number, which the next would have.
    private static func makeDirectory() throws -> String {
        let directory = root + "/" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        return directory
    }

    /// Blocks until `body` is done.
    private static func waiting<R>(
        _ body: @escaping @Sendable () async throws -> sending R
    ) throws -> R {
        let (done, result) = (DispatchSemaphore(value: 0), Result<R>())
        Task {
            do { result.value = .success(try await body()) } catch {
                result.value = .failure(error)
            }
            done.signal()
        }
        done.wait()
        return try result.value!.get()
    }

    /// Written before the semaphore is signalled, read after.
    private final class Result<R>: @unchecked Sendable {
        var value: Swift.Result<R, any Error>?
    }

    private static func count(_ path: MeasuredPath) throws {
        guard case .counted(let body) = try waiting({ try await path.prepare(makeDirectory()) })
        else { exit(2) }
        for _ in 0..<rounds.warming { try body() }
        let work = Work(body, rounds.counted)
        let before = counted_allocations()
        run(work)
        let allocations = counted_allocations() - before
        print("allocations \(Double(allocations) / Double(rounds.counted))")
        print("rounds \(rounds.counted)")
    }

    private final class Work {
        let body: () throws -> Void
        let count: Int

        init(_ body: @escaping () throws -> Void, _ count: Int) {
            (self.body, self.count) = (body, count)
        }
    }

    private static func run(_ work: Work) {
        counted_run(
            { context in
                guard let context else { return }
                let work = Unmanaged<Work>.fromOpaque(context).takeUnretainedValue()
                for _ in 0..<work.count {
                    do { try work.body() } catch { fatalError("the path failed: \(error)") }
                }
            }, Unmanaged.passUnretained(work).toOpaque())
    }

    private static func time(_ path: MeasuredPath) async throws {
        var times: [Double] = []
        let clock = ContinuousClock()
        let body = try await path.prepare(makeDirectory())
        let end = clock.now + .milliseconds(500)
        // As many rounds between two looks at the clock as take about a millisecond.
        var step = 1
        repeat {
            let start = clock.now
            for _ in 0..<step {
                switch body {
                case .counted(let body): try body()
                case .timed(let body): try await body()
                }
            }
            let taken = (clock.now - start) / .microseconds(1)
            times.append(taken / Double(step))
            if taken < 1000 { step *= 2 }
        } while clock.now < end
        let median = times.sorted()[times.count / 2]
        print(path.title, String(format: "%.2f µs", median))
    }
}
