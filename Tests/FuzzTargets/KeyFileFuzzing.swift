#if Encryption
    internal import CodexCore
    internal import CodexStore
    internal import CodexTesting
    internal import Foundation

    extension FuzzTarget {
        /// Files of keys: refused, or keys that open what they closed.
        static let keyFiles = FuzzTarget(
            "key-files",
            words: [
                "\"format\":1", "\"current\":", "\"keys\":", "\"id\":", "\"key\":",
                "\"createdAt\":",
            ],
            seeds: KeyFileFuzzing.seeds, check: KeyFileFuzzing.check)
    }

    private enum KeyFileFuzzing {
        static func seeds() -> [[UInt8]] {
            let key = String(repeating: "A", count: 43) + "="
            let stored = #""key":"\#(key)","createdAt":"2024-01-01T00:00:00Z"}"#
            return [
                #"{"format":1,"current":"a","keys":[{"id":"a",\#(stored)]}"#,
                #"{"format":1,"current":"b","keys":[{"id":"a",\#(stored),{"id":"b",\#(stored)]}"#,
                #"{"format":1,"current":"c","keys":[{"id":"a",\#(stored)]}"#,
                #"{"format":2,"current":"a","keys":[{"id":"a","key":"AA==","createdAt":1}]}"#,
            ].map { Array($0.utf8) }
        }

        private static let path = mustSucceed("a directory is made") {
            try TemporaryStore.makeDirectory() + "/keys.json"
        }

        static func check(_ bytes: [UInt8]) {
            let isWritten = FileManager.default.createFile(
                atPath: path, contents: Data(bytes), attributes: [.posixPermissions: 0o600])
            require(isWritten, "the file is written")
            guard let keys = try? FileKeyProvider(at: path) else { return }
            mustSucceed("keys that were read are used") {
                let current = try keys.currentKeyID
                require(try keys.keyIDs.contains(current), "the current key is in the file")
                let key = try keys.makeDataKey()
                require(
                    try keys.unwrap(key.wrapped, keyID: current) == key.plain,
                    "a data key is unwrapped")
                require((try? keys.unwrap(bytes, keyID: current)) == nil, "other bytes are refused")
                require(
                    try keys.unwrap(key.wrapped, keyID: "") == nil,
                    "an unknown key opens nothing")
            }
        }
    }
#endif
