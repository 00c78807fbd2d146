import Testing

@testable import Worker

/// CRC-32C, by the values that everybody has.
struct ChecksumTests {
    @Test func knownValues() {
        #expect(Checksum([]).value == 0)
        #expect(Checksum("123456789".utf8).value == 0xE306_9283)
        #expect(Checksum([UInt8](repeating: 0, count: 32)).value == 0x8A91_36AA)
        #expect(Checksum([UInt8](repeating: 0xFF, count: 32)).value == 0x62A8_AB43)
        #expect(Checksum(Array(0..<32)).value == 0x46DD_794E)
    }

    @Test func piecesAreTheSameAsTheWhole() {
        let bytes = (0..<100).map { UInt8($0) }
        for cut in 0...100 {
            var checksum = Checksum(bytes[..<cut])
            checksum.add(bytes[cut...])
            #expect(checksum == Checksum(bytes))
        }
    }

    @Test func processorsWithoutTheInstructionComeToTheSame() {
        for count in 0...100 {
            let bytes = (0..<count).map { UInt8($0) }
            let lookedUp = bytes.withUnsafeBytes { ~Checksum().lookedUp($0) }
            #expect(lookedUp == Checksum(bytes).value)
        }
    }

    @Test func everyFlippedBitIsFound() {
        let bytes = Array("what a container wrote".utf8)
        for bit in 0..<bytes.count * 8 {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << (bit % 8)
            #expect(Checksum(flipped) != Checksum(bytes))
        }
    }
}
