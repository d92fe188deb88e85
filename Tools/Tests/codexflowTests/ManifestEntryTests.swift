import Foundation
import Testing

@testable import codexflow

/// The names of data files in the manifests of exports.
@Suite("codexflow import, the names of data files")
struct ManifestEntryTests {
    @Test(
        "A name is the last one of the key, by its bytes",
        arguments: [
            ("AWSDynamoDB/01-a/data/x.json.gz", "x.json.gz"), ("x", "x"), ("a/", "a"),
            ("a/..", nil), ("a/.", nil), ("/", nil), ("", nil),
            ("../\u{301}x", "\u{301}x"), ("a/\u{301}/../b", "b"), ("a/\u{301}..", "\u{301}.."),
        ] as [(String, String?)])
    func names(key: String, name: String?) {
        let entry = ManifestEntry(
            itemCount: 1, md5Checksum: "", etag: nil, dataFileS3Key: key)
        #expect(entry.fileName.map { Array($0.utf8) } == name.map { Array($0.utf8) })
        #expect(entry.fileName?.utf8.contains(UInt8(ascii: "/")) != true)
    }
}
