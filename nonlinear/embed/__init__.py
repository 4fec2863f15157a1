"""Embeddings by pretrained vision and text towers (Hugging Face transformers, the extra `embed`)."""
