import Benchmark
import Foundation
import MeasuredPaths

/// Every measured path as a benchmark of its own, named by its suite.
let benchmarks: @Sendable () -> Void = {
    for path in MeasuredPath.all {
        Benchmark(
            path.title,
            configuration: .init(
                metrics: [.wallClock, .throughput, .peakMemoryResident],
                maxDuration: .milliseconds(500), maxIterations: 100_000)
        ) { (benchmark: Benchmark, body: MeasuredPath.Body) in
            switch body {
            case .counted(let body): for _ in benchmark.scaledIterations { try body() }
            case .timed(let body): for _ in benchmark.scaledIterations { try await body() }
            }
        } setup: {
            // Each benchmark runs in a process of its own, which leaves its folder to the system.
            let directory = FileManager.default.temporaryDirectory
                .appendingPathComponent("codex-suites-" + UUID().uuidString).path
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true)
            return try await path.prepare(directory)
        }
    }
}
