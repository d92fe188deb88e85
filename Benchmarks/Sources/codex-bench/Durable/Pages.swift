import MeasuredPaths

/// Lists the pages of the data file that commits write, by cause.
func reportPages(_ directory: String, _ settings: Settings) async throws {
    let count = min(settings.count, 200_000)
    say("Pages of the data file that a commit writes, \(count) tasks, means")
    for pages in try await WrittenPages.measure(in: directory, taskCount: count) {
        say("\n\(pages.name), updates a commit: \(pages.updateCount)")
        for average in pages.averages { row(average.cause, [average.count]) }
        row("together", [pages.averages.reduce(0) { $0 + $1.count }])
    }
}
