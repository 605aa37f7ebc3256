package io.backpack4j.spi.module;

/**
 * Names a tensor that an extension supplies to a contraction when the walk gets there.
 *
 * @param owner the extension that supplies it
 * @param name the extension's name for it
 */
public record Operand(Object owner, String name) {}
