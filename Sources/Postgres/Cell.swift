/// One value of a result or one element of an array, in binary format, in the result's own memory.
///
/// Valid while the result lives; `decode` is the only place that sees one, and must not keep it.
@safe
package struct Cell {
    /// The server's type of the value.
    package let type: UInt32
    package let count: Int
    private let base: UnsafeRawPointer

    init(type: UInt32, base: UnsafeRawPointer, count: Int) {
        self.type = type
        unsafe self.base = unsafe base
        self.count = count
    }

    /// The big-endian integer at an offset.
    package func integer<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type, at offset: Int = 0) throws(CellError) -> T {
        guard offset >= 0, offset + MemoryLayout<T>.size <= count else { throw .malformed }
        return unsafe T(bigEndian: base.loadUnaligned(fromByteOffset: offset, as: T.self))
    }

    /// The integer that fills the whole cell.
    package func whole<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type) throws(CellError) -> T {
        guard count == MemoryLayout<T>.size else { throw .malformed }
        return unsafe T(bigEndian: base.loadUnaligned(as: T.self))
    }

    package subscript(_ offset: Int) -> UInt8 {
        precondition(offset >= 0 && offset < count, "the offset lies in the cell")
        return unsafe base.load(fromByteOffset: offset, as: UInt8.self)
    }

    /// A copy of the bytes from an offset on.
    package func bytes(from offset: Int = 0) -> [UInt8] {
        unsafe [UInt8](UnsafeRawBufferPointer(start: base + offset, count: max(0, count - offset)))
    }

    /// The bytes from an offset on as text.
    ///
    /// The server has checked text types; for others the bytes are checked here.
    package func text(from offset: Int = 0, trusted: Bool) throws(CellError) -> String {
        guard offset <= count else { throw .malformed }
        let bytes = unsafe UnsafeBufferPointer(start: (base + offset).assumingMemoryBound(to: UInt8.self), count: count - offset)
        if trusted { return unsafe String(decoding: bytes, as: UTF8.self) }
        guard unsafe !bytes.contains(0), let text = unsafe String(validating: bytes, as: UTF8.self) else { throw .wrongType }
        return text
    }

    /// A part of this cell that is a cell itself.
    func part(_ type: UInt32, at offset: Int, count: Int) throws(CellError) -> Cell {
        guard offset >= 0, count >= 0, offset + count <= self.count else { throw .malformed }
        return unsafe Cell(type: type, base: base + offset, count: count)
    }
}
