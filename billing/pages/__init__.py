"""The pages about money, for members and for operators."""
