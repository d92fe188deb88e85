#if !FUZZING
    import Foundation
    import FuzzTargets

    /// Replays inputs, and writes the corpora and dictionaries with which libFuzzer starts.
    ///
    /// A build for libFuzzer (`make fuzz`) has libFuzzer's `main` instead.
    @main
    struct ReplayMain {
        static func main() throws {
            let arguments = Array(CommandLine.arguments.dropFirst())
            switch (arguments.first, arguments.count) {
            case ("--list"?, 1):
                for target in FuzzTarget.all { print(target.name) }
            case ("--write-corpus"?, 2): try writeCorpus(arguments[1])
            case ("--write-dictionaries"?, 2): try writeDictionaries(arguments[1])
            case (let name?, 2...) where FuzzTarget.named(name) != nil:
                try replay(name, Array(arguments.dropFirst()))
            default:
                print(
                    """
                    usage: codex-fuzz --list
                           codex-fuzz --write-corpus DIRECTORY
                           codex-fuzz --write-dictionaries DIRECTORY
                           codex-fuzz TARGET FILE ...
                    """)
                exit(2)
            }
        }

        /// Checks files, or all files of folders.
        private static func replay(_ name: String, _ paths: [String]) throws {
            guard let target = FuzzTarget.named(name) else { return }
            for path in paths {
                for file in try files(path) {
                    print("\(name): \(file)")
                    // A violated property ends the process, so the name is printed before.
                    fflush(nil)
                    target.check(Array(try Data(contentsOf: URL(fileURLWithPath: file))))
                }
            }
        }

        private static func files(_ path: String) throws -> [String] {
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory),
                isDirectory.boolValue
            else { return [path] }
            return try FileManager.default.contentsOfDirectory(atPath: path).sorted().map {
                path + "/" + $0
            }
        }

        /// Writes the seeds of each target into a folder of its name.
        ///
        /// Other files stay: they are inputs that were found.
        private static func writeCorpus(_ directory: String) throws {
            for target in FuzzTarget.all {
                let folder = directory + "/" + target.name
                try FileManager.default.createDirectory(
                    atPath: folder, withIntermediateDirectories: true)
                for (number, seed) in try target.seeds().enumerated() {
                    let name = "seed-" + (number < 10 ? "0" : "") + "\(number)"
                    try Data(seed).write(to: URL(fileURLWithPath: folder + "/" + name))
                }
            }
        }

        private static func writeDictionaries(_ directory: String) throws {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true)
            for target in FuzzTarget.all where !target.words.isEmpty {
                let file = directory + "/" + target.name + ".dict"
                try Data(target.dictionary.utf8).write(to: URL(fileURLWithPath: file))
            }
        }
    }
#endif
