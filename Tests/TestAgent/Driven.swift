import CodexCore
import CodexStore
import CrashSupport
import Foundation
import HostCalls

/// Does what it reads from its input, a command in each line, and says a line to each: `ok …`, or
/// `error CODE DONE MESSAGE`, where DONE is how much of it was done before.
///
///     chdir PATH              changes the working directory
///     touch PATH              opens a file, reads it and closes it
///     descriptors COUNT       lets the process have so many open files; 0 is as many as it may
///     stores DIRECTORY COUNT  see ManyStores
///     open NAME PATH OPTION…  opens a store (DrivenOptions) under a name; says `alone` or `joined`
///     quit                    closes the stores and ends
///
/// Commands of a store have its name after the command; see ``DrivenStore``.
@MainActor
final class Driven {
    private var stores: [String: DrivenStore] = [:]

    func run() async {
        while let line = readLine() {
            var words = line.split(separator: " ").map(String.init)
            guard !words.isEmpty else { continue }
            let command = words.removeFirst()
            if command == "quit" { break }
            do {
                say("ok \(try await perform(command, words))")
            } catch {
                say(DrivenFailure.text(error))
            }
        }
        for store in stores.values { store.close() }
    }

    private func perform(_ command: String, _ words: [String]) async throws -> String {
        switch command {
        case "chdir": return try changeDirectory(words[0])
        case "touch": return try touch(words[0])
        case "descriptors": return "\(host_set_descriptor_limit(Int(words[0]) ?? 0))"
        case "stores": return try ManyStores.use(in: words[0], count: Int(words[1]) ?? 0)
        case "open": return try open(words[0], words[1], Array(words.dropFirst(2)))
        default: return try await perform(command, of: words[0], Array(words.dropFirst()))
        }
    }

    private func perform(
        _ command: String, of name: String, _ words: [String]
    ) async throws -> String {
        guard let store = stores[name] else {
            throw CrashFinding(description: "no store has the name \(name)")
        }
        if command == "close" { stores[name] = nil }
        return try await store.perform(command, words)
    }

    private func open(_ name: String, _ path: String, _ words: [String]) throws -> String {
        let store = try DrivenStore(at: path, DrivenOptions(words))
        stores[name] = store
        return store.isAlone ? "alone" : "joined"
    }

    private func changeDirectory(_ path: String) throws -> String {
        guard FileManager.default.changeCurrentDirectoryPath(path) else {
            throw CrashFinding(description: "no directory \(path)")
        }
        return path
    }

    /// What a program does that copies, archives or indexes the directory in this process.
    private func touch(_ path: String) throws -> String {
        "\(try Data(contentsOf: URL(fileURLWithPath: path)).count)"
    }
}

/// What a command failed with, and how much of it was done before.
struct DrivenFailure: Error {
    let done: Int
    let cause: any Error

    static func text(_ error: any Error) -> String {
        let failure = error as? DrivenFailure
        let cause = failure?.cause ?? error
        let code = (cause as? CodexError)?.code.description ?? "other"
        let message = "\(cause)".split(separator: "\n").joined(separator: " ")
        return "error \(code) \(failure?.done ?? 0) \(message)"
    }
}
