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
///     umask MODE              sets the umask, in octal digits
///     become USER GROUP SHARED   goes on as another user, in a group of its own and a shared one
///     doom PART               kills the process when it next sets the mode of a file with this in its
///                             path
///     lock PATH               locks a file, with the right to read it alone; says errno, or 0
///     keys open PATH, keys make PATH, keys rotate PATH   opens a file of keys, after making it
///                             where there is none, or adds a key; says how many keys it has
///     restore BACKUP ARCHIVE PATH   makes a store from a backup and an archive
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
        case "umask": return setUmask(words[0])
        case "become": return try become(words.compactMap { UInt32($0) })
        case "doom":
            host_die_at_mode(words[0])
            return words[0]
        case "lock": return "\(host_lock_for_reading(words[0]))"
        case "restore":
            return "\(try await Store.restore(words[0], archive: words[1], at: words[2]).sequence)"
        case "keys": return try keys(words[0], words[1])
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

    private func setUmask(_ octal: String) -> String {
        _ = umask(mode_t(octal, radix: 8) ?? 0)
        return octal
    }

    private func become(_ numbers: [UInt32]) throws -> String {
        guard numbers.count == 3, host_become(numbers[0], numbers[1], numbers[2]) == 0 else {
            throw CrashFinding(description: "the process cannot go on as \(numbers)")
        }
        return "\(geteuid())"
    }

    private func keys(_ action: String, _ path: String) throws -> String {
        #if Encryption
            let keys = try FileKeyProvider(at: path, mayCreate: action == "make")
            if action == "rotate" { try keys.rotate() }
            return "\(try keys.keyIDs.count)"
        #else
            throw CrashFinding(description: "this build has no encryption")
        #endif
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
