package io.backpack4j.backend.cpu;

/** The kinds of primitives that {@link DnnlRecipes} makes. */
enum DnnlKind {
    ELTWISE,
    ELTWISE_BACKWARD,
    SELU,
    AFFINE,
    ADD_SCALED,
    COPY,
    COMPARE,
    BINARY,
    MATMUL,
    SCALED_MATMUL,
    LINEAR,
    TILE,
    STRIDED,
    DOTS,
    ADD,
    SQUARES,
    SQUARED_PRODUCT,
    SUM_ROWS,
    SUM_COLUMNS,
    SOFTMAX,
    REORDER
}
