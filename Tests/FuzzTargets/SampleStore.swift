internal import FoundationEssentials

/// The store that samples of a store's files name.
enum SampleStore {
    static let idText = "00112233-4455-6677-8899-AABBCCDDEEFF"
    static let id = UUID(uuidString: idText) ?? UUID()
}
