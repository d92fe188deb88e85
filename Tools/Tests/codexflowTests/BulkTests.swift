import Foundation
import Testing

/// `codexflow import`, `export` and `scan`: plain files, gzip, and exports to S3.
@Suite("codexflow import and export")
struct BulkTests {
    let program: CommandTests
    var folder: String { program.directory.path }
    var store: String { program.store }

    init() throws { program = try CommandTests() }

    @discardableResult
    private func run(_ arguments: String..., input: String = "") throws -> CommandTests.Outcome {
        try program.run(arguments, input: input)
    }

    /// Makes an empty store and returns its path.
    private func emptyStore(_ name: String = "other") throws -> String {
        let path = folder + "/" + name
        try #require(try run("init", path).code == 0)
        return path
    }

    private func bytes(_ path: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: path))
    }

    private func write(_ data: Data, to path: String) throws {
        let url = URL(fileURLWithPath: path)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: url)
    }

    private func write(_ text: String, to path: String) throws {
        try write(Data(text.utf8), to: path)
    }

    private func object(_ json: Data) throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: json)
        return try #require(object as? [String: Any])
    }

    /// Exports the demo's store to `folder/s3` and returns the export's directory.
    private func exportDemo(files: Int) throws -> String {
        try #require(try run("demo", store).code == 0)
        let exported = try run("export", store, "--s3", folder + "/s3", "--files", "\(files)")
        try #require(exported.code == 0, "\(exported.errors)")
        let parent = folder + "/s3/AWSDynamoDB"
        let names = try FileManager.default.contentsOfDirectory(atPath: parent)
        try #require(names.count == 1)
        return parent + "/" + names[0]
    }

    @Test("Plain, gzip and S3's layout carry the same items")
    func roundTrips() throws {
        let export = try exportDemo(files: 3)
        let plain = try run("export", store).output
        let gzip = folder + "/items.json.gz"
        #expect(try run("export", store, "-o", gzip).code == 0)
        let packed = try bytes(gzip)
        #expect(packed.starts(with: [0x1F, 0x8B]) && packed.count < plain.utf8.count)
        // What a file is, is not told by its name.
        let renamed = folder + "/items"
        try FileManager.default.moveItem(atPath: gzip, toPath: renamed)
        for (index, source) in [renamed, folder + "/s3", export, export + "/data"].enumerated() {
            let copy = try emptyStore("copy\(index)")
            let imported = try run("import", copy, source)
            #expect(imported.code == 0, "\(imported.errors)")
            #expect(try run("export", copy).output == plain)
        }
        #expect(
            try run("export", store, "--items").output
                == plain.split(separator: "\n").map { "{\"Item\":\($0)}\n" }.joined())
    }

    @Test("An export has the manifests that DynamoDB writes")
    func manifests() throws {
        let export = try exportDemo(files: 4)
        let names = try FileManager.default.contentsOfDirectory(atPath: export).sorted()
        #expect(
            names == [
                "data", "manifest-files.json", "manifest-files.md5", "manifest-summary.json",
                "manifest-summary.md5",
            ])
        let summary = try object(try bytes(export + "/manifest-summary.json"))
        #expect(
            summary.keys.sorted() == [
                "billedSizeBytes", "endTime", "exportArn", "exportTime", "exportType",
                "itemCount", "manifestFilesS3Key", "outputFormat", "s3Bucket", "s3Prefix",
                "s3SseAlgorithm", "s3SseKmsKeyId", "startTime", "tableArn", "tableId", "version",
            ])
        let identifier = URL(fileURLWithPath: export).lastPathComponent
        #expect(identifier.wholeMatch(of: #/\d{14}-[0-9a-f]{8}/#) != nil)
        let lines = try bytes(export + "/manifest-files.json").split(separator: 0x0A)
        let entries = try lines.map { try object($0) }
        let counts = entries.compactMap { $0["itemCount"] as? Int }
        let itemCount = try run("export", store).output.split(separator: "\n").count
        #expect(counts.count == 4 && counts.reduce(0, +) == itemCount)
        #expect(summary["itemCount"] as? Int == itemCount)
        #expect((counts.max() ?? 0) - (counts.min() ?? 0) < 4)
        for entry in entries {
            let key = try #require(entry["dataFileS3Key"] as? String)
            #expect(key.hasPrefix("AWSDynamoDB/\(identifier)/data/") && key.hasSuffix(".json.gz"))
            #expect(FileManager.default.fileExists(atPath: folder + "/s3/" + key))
        }
    }

    @Test("What an export makes is its owner's alone")
    func modes() throws {
        let export = try exportDemo(files: 2)
        let file = folder + "/items.json"
        #expect(try run("export", store, "-o", file).code == 0)
        let paths = try FileManager.default.subpathsOfDirectory(atPath: export).map {
            export + "/" + $0
        }
        for path in paths + [export, file] {
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            let isFolder = attributes[.type] as? FileAttributeType == .typeDirectory
            let mode = attributes[.posixPermissions] as? Int
            #expect(mode == (isFolder ? 0o700 : 0o600), "\(path)")
        }
        // A file that is there keeps its mode.
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file)
        #expect(try run("export", store, "-o", file).code == 0)
        let kept = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions]
        #expect(kept as? Int == 0o640)
    }

    @Test("An empty table's export has an empty file, and is imported")
    func empty() throws {
        let source = try emptyStore()
        #expect(try run("export", source, "--s3", folder + "/s3").code == 0)
        let imported = try run("import", source, folder + "/s3")
        #expect(imported.code == 0 && imported.output == "0 items stored, 0 bad lines\n")
    }

    @Test("A gzip file that ends early or is damaged is an error that names it")
    func damagedGzip() throws {
        let file = folder + "/items.json.gz"
        try #require(try run("demo", store).code == 0)
        try #require(try run("export", store, "-o", file).code == 0)
        let whole = try bytes(file)
        let other = try emptyStore()
        for count in [12, whole.count / 2, whole.count - 8, whole.count - 1] {
            try write(whole.prefix(count), to: file)
            let imported = try run("import", other, file)
            #expect(imported.code == 1, "\(count) bytes")
            #expect(imported.errors.contains("\(file) ends early"), "\(imported.errors)")
        }
        var damaged = whole
        damaged[damaged.count - 6] ^= 0xFF
        try write(damaged, to: file)
        #expect(try run("import", other, file).errors.contains("\(file) is damaged"))
    }

    @Test("A data file that differs from the manifest, or is missing, is named; nothing is stored")
    func damagedLayout() throws {
        let export = try exportDemo(files: 3)
        let other = try emptyStore()
        let file = export + "/data/00002.json.gz"
        let whole = try bytes(file)
        var damaged = whole
        damaged[damaged.count / 2] ^= 0x01
        try write(damaged, to: file)
        let corrupted = try run("import", other, folder + "/s3")
        #expect(corrupted.code == 1 && corrupted.errors.contains("\(file) is damaged"))
        try FileManager.default.removeItem(atPath: file)
        let missing = try run("import", other, folder + "/s3")
        #expect(missing.code == 1 && missing.errors.contains("\(file) is missing"))
        #expect(try run("scan", other).output.isEmpty)

        try write(whole, to: file)
        let manifest = export + "/manifest-files.json"
        let text = try String(contentsOfFile: manifest, encoding: .utf8)
        try write(text.replacing("00002", with: "00001"), to: manifest)
        #expect(try run("import", other, export).errors.contains("\(manifest) is damaged"))
        try write(text, to: manifest)
        #expect(try run("import", other, export).code == 0)
    }

    @Test("A file with another number of items than its manifest says is named")
    func wrongCount() throws {
        let export = folder + "/export"
        try write(CommandTests.task + "\n", to: export + "/data/a.json.gz")
        try write(
            #"{"itemCount":2,"md5Checksum":"NLBF0wShcafBg67arfBCaA==","dataFileS3Key":"a.json.gz"}"#,
            to: export + "/manifest-files.json")
        let other = try emptyStore()
        let imported = try run("import", other, export)
        #expect(imported.code == 1, "\(imported.errors)")
        #expect(imported.errors.contains("/data/a.json.gz has 1 items, and 2 by the manifest"))
    }

    @Test(
        "A manifest with numbers of items that no file has is named",
        arguments: [
            "9223372036854775807 1", "1 9223372036854775807", "-1 2", "-9223372036854775808 -1",
            "9223372036854775808", "-9223372036854775809", "1e30", "0.5",
        ])
    func impossibleCounts(counts: String) throws {
        let export = folder + "/export"
        let lines = counts.split(separator: " ").map {
            #"{"itemCount":\#($0),"md5Checksum":"NLBF0wShcafBg67arfBCaA==","dataFileS3Key":"a.gz"}"#
        }
        try write(lines.joined(separator: "\n"), to: export + "/manifest-files.json")
        let imported = try run("import", try emptyStore(), export)
        #expect(imported.code == 1 && imported.errors.contains("manifest-files.json"))
    }

    @Test("A line has 16 MiB, and not a byte more", arguments: -1...1)
    func lineLength(difference: Int) throws {
        let item = #"{"Item":{"PK":{"S":"BOOK#1"},"SK":{"S":"X"}}}"#
        let byteCount = (16 << 20) + difference
        let line = item + String(repeating: " ", count: byteCount - item.utf8.count)
        for (name, text) in [("cut", line), ("lines", "\(line)\n\(item)\n")] {
            try write(text, to: folder + "/" + name)
            let imported = try run("import", try emptyStore(name + ".codex"), folder + "/" + name)
            #expect(imported.code == (difference > 0 ? 1 : 0), "\(imported.errors)")
            let isNamed = imported.errors.contains("Line 1 has more than 16777216 bytes")
            #expect(isNamed == (difference > 0))
        }
    }

    @Test("A bad line has its file, number and reason, and ends the import or is passed over")
    func badLines() throws {
        let lines = ["A", "B", "C"].map {
            #"{"Item":{"PK":{"S":"BOOK#\#($0)"},"SK":{"S":"X"}}}"#
        }
        try write([lines[0], "{", lines[1]].joined(separator: "\n"), to: folder + "/lines/1.json")
        try write(lines[2], to: folder + "/lines/2.json")
        let other = try emptyStore()
        let stopped = try run("import", other, folder + "/lines")
        #expect(stopped.code == 1 && stopped.output == "1 items stored, 1 bad lines\n")
        #expect(stopped.errors.contains("1.json, line 2: Malformed JSON"))
        #expect(try run("scan", other).output.split(separator: "\n").count == 1)
        let skipped = try run("import", other, folder + "/lines", "--skip-bad")
        #expect(skipped.code == 1 && skipped.output == "3 items stored, 1 bad lines\n")
        #expect(try run("scan", other).output.split(separator: "\n").count == 3)
    }

    @Test("Changes of an incremental export are refused")
    func incremental() throws {
        let other = try emptyStore()
        let line = """
            {"Metadata":{"WriteTimestampMicros":{"N":"1680109764000000"}},\
            "Keys":{"PK":{"S":"BOOK#1"}},"NewImage":{"PK":{"S":"BOOK#1"}}}
            """
        let imported = try run("import", other, input: line)
        #expect(imported.code == 1 && imported.errors.contains("line 1: It is of an incremental"))
        let export = folder + "/export"
        try write(#"{"exportType":"INCREMENTAL_EXPORT"}"#, to: export + "/manifest-summary.json")
        try write("", to: export + "/manifest-files.json")
        #expect(try run("import", other, export).errors.contains("is of an incremental export"))
    }

    @Test("An export as DynamoDB lays it out is imported")
    func cloudExport() throws {
        let export = folder + "/bucket/prefix/AWSDynamoDB/01604474914028-a1b2c3d4"
        let key = "prefix/AWSDynamoDB/01604474914028-a1b2c3d4/data/"
        let first = try #require(
            Data(
                base64Encoded: """
                    H4sIAAAAAAACA6tW8ixJzVWyqlYK8AaRwUpWSk7+/t7Khkq1OkrBcDFHEDckMb0YLAAUiVaqUNJR\
                    qlSKBYoHFGUmp4Ik/IAqjQz0TA2UamtruapxmW2ExWzPvIDSpJzM5MSSzPw8kAxQpY+SVVpiTnEq\
                    yDAAACqx/qkAAAA=
                    """))
        let second = try #require(
            Data(
                base64Encoded: """
                    H4sIAAAAAAACA6tW8ixJzVWyqlYK8AaRwUpWSk7+/t7Kxkq1OkrBcDFHENcpJz8JJOAEEnB0dQaJ\
                    +eXnpYLE/EJ9fJSsSopKU2tra7kAMJ3sTlcAAAA=
                    """))
        try write(Data(), to: export + "/_started")
        try write(Data(), to: folder + "/bucket/prefix/AWSDynamoDB/data/of-another-export.json.gz")
        try write(first, to: export + "/data/bafybeiczss3yxay3o4abnabbb.json.gz")
        try write(second, to: export + "/data/gkes5o3lnrhoznhnkyax3hxvya.json.gz")
        try write(
            """
            {"itemCount":2,"md5Checksum":"xgkrDEdS3KFRhaBGMSuatA==",\
            "etag":"c6092b0c4752dca15185a046312b9ab4-1",\
            "dataFileS3Key":"\(key)bafybeiczss3yxay3o4abnabbb.json.gz"}
            {"itemCount":1,"md5Checksum":"2zQw9+xRlq052kbwtLlfUg==",\
            "etag":"db3430f7ec5196ad39da46f0b4b95f52-1",\
            "dataFileS3Key":"\(key)gkes5o3lnrhoznhnkyax3hxvya.json.gz"}

            """, to: export + "/manifest-files.json")
        try write(
            """
            {"version":"2020-06-30","itemCount":3,"outputFormat":"DYNAMODB_JSON",\
            "s3Prefix":"prefix","s3SseKmsKeyId":null,"exportType":"FULL_EXPORT"}
            """, to: export + "/manifest-summary.json")
        let other = try emptyStore()
        let imported = try run("import", other, folder + "/bucket/prefix")
        #expect(imported.code == 0, "\(imported.errors)")
        #expect(imported.output == "3 items stored, 0 bad lines\n")
        let items = try run("scan", other).output
        #expect(
            items.contains(#"{"PK":{"S":"BOOK#1"},"Price":{"N":"20.5"},"SK":{"S":"A"}"#)
                && items.contains(#""Blob":{"B":"AAEC"}"#))
    }

    @Test("A scan prints a table's items in the order of keys, up to a limit")
    func scan() throws {
        try #require(try run("demo", store).code == 0)
        let plain = try run("export", store).output
        #expect(try run("scan", store).output == plain)
        let limited = try run("scan", store, "--limit", "2")
        #expect(
            limited.output.split(separator: "\n") == Array(plain.split(separator: "\n").prefix(2)))
        #expect(limited.errors.contains("more items"))
        #expect(try run("scan", store, "--limit", "0").code == 1)
    }

    @Test("Options that contradict each other are wrong usage")
    func usage() throws {
        for options in [
            ["--s3", "x", "-o", "y"], ["--s3", "x", "--header"], ["--files", "2"],
            ["--s3", "x", "--files", "0"], ["--items", "--header"],
        ] {
            #expect(try program.run(["export", store] + options).code == 64, "\(options)")
        }
    }
}
