import Foundation

/// Makes fixtures of the present format in a directory that is not there yet; see README.md.
///
///     codex-fixtures DIRECTORY
///
/// It runs itself as a second process, which it lets be killed.
@main
struct FixtureMaker {
    static func main() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            guard (1...2).contains(arguments.count) else {
                throw FixtureError("usage: codex-fixtures DIRECTORY")
            }
            let history = FixtureHistory(directory: URL(fileURLWithPath: arguments[0]).path)
            if arguments.count == 1 {
                try await history.run()
            } else {
                try await history.goOnUntilKilled()
            }
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(1)
        }
    }
}
